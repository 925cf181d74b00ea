"""A new avatar: its photos go to the backend, rig and splats come into the scene."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import steps
from .._shared import AvatarError, errors, messages, os_error, photos
from ..scene import avatars, clouds, looking, placing, properties, rest, rig
from ..steps import Progress, Steps
from . import session


def create_avatar(
    context: bpy.types.Context,
    images: Sequence[Path],
    name: str,
    path: Path,
    face: int = 0,
    iterations: int | None = None,
) -> Steps[bpy.types.Object]:
    """Makes an avatar of photos of one person and adds its objects; returns the armature object.

    Args:
        context: Gives the scene.
        images: The photos' files, the main one first.
        name: Name of the rig.
        path: Where the .savatar is saved.
        face: Its number in the main photo from the left, from 1; 0: the largest.
        iterations: Personalisation steps; None: the preset's.
    """
    main, *others = yield from _read(images)
    here = session.get()
    yield from here.ensure_ready()
    message = messages.CreateAvatar(
        image=np.frombuffer(main.data, np.uint8),
        path=str(path),
        job=steps.new_job(),
        face=face,
        iterations=iterations,
        name=main.name,
        others={photo.name: np.frombuffer(photo.data, np.uint8) for photo in others},
    )
    reply = yield from here.request(message)
    here.add_avatar(reply)
    return (yield from show_avatar(context, reply, name))


def _read(images: Sequence[Path]) -> Steps[list[photos.Photo]]:
    """Reads photos, and refuses those that the backend would not take together.

    Raises:
        AvatarError: `bad_file` for one that cannot be read, and as `photos.check_photos`.
    """
    photos.check_count(len(images))
    found = []
    for image in images:
        name = errors.legible(image.name)
        yield Progress(f"Reading {name}")
        try:
            found.append(photos.Photo(name, image.read_bytes()))
        except OSError as error:
            raise os_error(error, image) from error
    photos.check_photos(found)
    photos.check_sendable(found)
    return found


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
