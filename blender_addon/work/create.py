"""A new avatar: the portrait goes to the backend, rig and splats come into the scene."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import steps
from .._shared import AvatarError, errors, messages, os_error
from ..scene import avatars, clouds, looking, placing, properties, rest, rig
from ..steps import Steps
from . import session


def create_avatar(
    context: bpy.types.Context,
    image: Path,
    name: str,
    path: Path,
    face: int = 0,
    iterations: int | None = None,
) -> Steps[bpy.types.Object]:
    """Makes an avatar from a portrait and adds its objects; returns the armature object.

    Args:
        context: Gives the scene.
        image: The portrait's file.
        name: Name of the rig.
        path: Where the .savatar is saved.
        face: Its number from the left, from 1; 0: the largest.
        iterations: Personalisation steps; None: the preset's.
    """
    try:
        content = image.read_bytes()
    except OSError as error:
        raise os_error(error, image) from error
    here = session.get()
    yield from here.ensure_ready()
    message = messages.CreateAvatar(
        image=np.frombuffer(content, np.uint8),
        path=str(path),
        job=steps.new_job(),
        face=face,
        iterations=iterations,
    )
    with errors.about(image.name):
        reply = yield from here.request(message)
    here.add_avatar(reply)
    return (yield from show_avatar(context, reply, name))


def show_avatar(context: bpy.types.Context, reply: Any, name: str) -> Steps[bpy.types.Object]:
    """Adds the objects of a loaded avatar and fills its cloud; returns the armature object."""
    armature = avatars.build(context, reply, name)
    rest.remember(armature)
    head = properties.of_rig(armature).head
    placing.place(armature, head, context.scene)
    context.view_layer.update()
    if not steps.without_window():
        looking.at_avatar(context, armature, head)
    yield from fill_cloud(context, armature)
    return armature


def fill_cloud(context: bpy.types.Context, armature: bpy.types.Object) -> Steps[None]:
    """Computes the splats of the rig as it stands, and waits for them."""
    here = session.get()
    if not clouds.writable(armature):
        raise AvatarError(
            "bad_request",
            f"The splats of {armature.name!r} are linked from another file or were deleted.",
            "Append the avatar instead of linking it, or open its .savatar file.",
        )
    avatar = yield from here.ensure_avatar(armature)
    if clouds.bind(armature, avatar):
        return
    depsgraph = rig.evaluate(context, armature)
    rest.require_evaluated(armature, depsgraph)
    frame = rig.read_frame(armature, depsgraph)
    reply = yield from here.request(messages.DriveAvatar(avatar=avatar.avatar, frame=frame))
    clouds.show(armature, avatar, reply)


def require_file(path: Path) -> None:
    """Refuses a path where no file is.

    Raises:
        AvatarError: `bad_file`.
    """
    if not path.is_file():
        raise AvatarError("bad_file", f"There is no file {path}.", "Choose a .savatar file.")


def open_avatar(context: bpy.types.Context, path: Path, name: str) -> Steps[bpy.types.Object]:
    """Loads a .savatar file and adds its objects; returns the armature object."""
    require_file(path)
    here = session.get()
    yield from here.ensure_ready()
    message = messages.LoadAvatar(path=str(path), job=steps.new_job())
    reply = yield from here.request(message)
    here.add_avatar(reply)
    return (yield from show_avatar(context, reply, name))
