"""Operators that make and show avatars."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import EnumProperty, IntProperty, StringProperty

from .. import steps
from .._shared import AvatarError, messages
from ..scene import avatars, clouds, properties, rig
from ..steps import Steps
from ..ui import preferences
from ..work import session
from .long_operation import LongOperation, error_text, idle

IMAGE_FILTER = "*.jpg;*.jpeg;*.png;*.webp;*.bmp;*.tif;*.tiff"


def has_avatar(cls: Any, context: bpy.types.Context) -> bool:
    """For poll(): whether there is an avatar to work on."""
    if properties.active_rig(context) is None:
        cls.poll_message_set("Select an avatar, or make one with Create Avatar")
        return False
    return True


def require_avatar(context: bpy.types.Context) -> bpy.types.Object:
    """The avatar that an operator works on.

    Raises:
        AvatarError: `bad_request` when none is selected.
    """
    found = properties.active_rig(context)
    if found is None:
        raise AvatarError(
            "bad_request",
            "No avatar is selected.",
            "Select the armature of an avatar, or make one with Create Avatar.",
        )
    return found


def create_avatar(
    context: bpy.types.Context,
    image: Path,
    name: str,
    path: Path,
    face: int | None = None,
    iterations: int | None = None,
) -> Steps[bpy.types.Object]:
    """Makes an avatar from a portrait and adds its objects; returns the armature object.

    Args:
        context: Gives the scene.
        image: The portrait's file.
        name: Name of the rig.
        path: Where the .savatar is saved.
        face: Which face, counted from the left, from 0; None: the largest.
        iterations: Personalisation steps; None: the preset's.
    """
    try:
        content = image.read_bytes()
    except OSError as error:
        raise AvatarError(
            "bad_file",
            f"The portrait {image} cannot be read: {error.strerror or error}.",
            "Choose another image.",
        ) from error
    here = session.get()
    yield from here.ensure_ready()
    message = messages.CreateAvatar(
        image=np.frombuffer(content, np.uint8),
        path=str(path),
        job=steps.new_job(),
        face=face,
        iterations=iterations,
    )
    reply = yield from here.request(message)
    here.add_avatar(reply)
    return (yield from show_avatar(context, reply, name))


def show_avatar(context: bpy.types.Context, reply: Any, name: str) -> Steps[bpy.types.Object]:
    """Adds the objects of a loaded avatar and fills its cloud; returns the armature object."""
    armature = avatars.build(context, reply, name)
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
    frame = rig.read_frame(armature, rig.evaluate(context, armature))
    reply = yield from here.request(messages.DriveAvatar(avatar=avatar.avatar, frame=frame))
    clouds.show(armature, avatar, reply)


class CreatesAvatar(LongOperation):
    """What Create Avatar and Sample Avatar share."""

    avatar_name: StringProperty(name="Name", description="Name of the rig; empty: that of the file")
    avatar_path: StringProperty(
        name="Avatar File",
        description="Where the .savatar is saved; empty: beside the .blend, or in the add-on's "
        "user folder",
        subtype="FILE_PATH",
        options=properties.BLEND_RELATIVE,
    )
    face: IntProperty(
        name="Face",
        description="Which face, counted from left to right; 0 takes the largest",
        default=0,
        min=0,
        max=99,
    )
    iterations: IntProperty(
        name="Steps",
        description="Personalisation steps; -1 leaves the choice to the backend",
        default=-1,
        min=-1,
        max=10000,
    )

    def create(self, context: bpy.types.Context, image: Path, name: str) -> Steps[Any]:
        given = self.avatar_path
        path = Path(bpy.path.abspath(given)) if given else avatars.default_path(name)
        armature = yield from create_avatar(
            context,
            image,
            name,
            path.with_suffix(".savatar").resolve(),
            face=self.face - 1 if self.face else None,
            iterations=self.iterations if self.iterations >= 0 else None,
        )
        return armature

    def done_text(self, result: Any) -> str:
        return f"{result.name} is ready: keyframe its controls and bones"


class SPLITAVATAR_OT_create_avatar(CreatesAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.create_avatar"
    bl_label = "Create Avatar"
    bl_description = "Turn a portrait photograph into a head with a rig. It stays on this computer"
    bl_options = {"UNDO"}
    title = "Create Avatar"

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | properties.BLEND_RELATIVE)
    filter_glob: StringProperty(default=IMAGE_FILTER, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:  # dropped onto the viewport
            self.avatar_name = Path(self.filepath).stem
            return context.window_manager.invoke_props_dialog(
                self, title="Create Avatar From This Portrait"
            )
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        image = Path(bpy.path.abspath(self.filepath))
        return (yield from self.create(context, image, self.avatar_name or image.stem))


class SPLITAVATAR_OT_sample_avatar(CreatesAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.sample_avatar"
    bl_label = "Sample Avatar"
    bl_description = "Make an avatar from the bundled public-domain portrait of an astronaut"
    bl_options = {"UNDO"}
    title = "Sample Avatar"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls)

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        image = preferences.bundle() / "backend" / "assets" / "astronaut.png"
        return (yield from self.create(context, image, self.avatar_name or "Astronaut"))


class SPLITAVATAR_OT_open_avatar(LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.open_avatar"
    bl_label = "Open Avatar"
    bl_description = "Add an avatar from a .savatar file to the scene"
    bl_options = {"UNDO"}
    title = "Open Avatar"

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | properties.BLEND_RELATIVE)
    filter_glob: StringProperty(default="*.savatar", options={"HIDDEN"})
    avatar_name: StringProperty(name="Name", description="Name of the rig; empty: that of the file")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        path = Path(bpy.path.abspath(self.filepath)).resolve()
        here = session.get()
        yield from here.ensure_ready()
        message = messages.LoadAvatar(path=str(path), job=steps.new_job())
        reply = yield from here.request(message)
        here.add_avatar(reply)
        return (yield from show_avatar(context, reply, self.avatar_name or path.stem))

    def done_text(self, result: Any) -> str:
        return f"{result.name} is ready: keyframe its controls and bones"


class SPLITAVATAR_OT_update_splats(LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.update_splats"
    bl_label = "Update Splats"
    bl_description = "Load the avatar where needed and compute its splats for this frame"
    bl_options = {"UNDO"}
    title = "Update Splats"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_avatar(cls, context) and idle(cls)

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        yield from fill_cloud(context, require_avatar(context))


class SPLITAVATAR_OT_set_pose(bpy.types.Operator):
    bl_idname = "splitavatar.set_pose"
    bl_label = "Set Pose"
    bl_description = "Set all controls and bones of the avatar"
    bl_options = {"REGISTER", "UNDO"}

    pose: EnumProperty(
        name="Pose",
        description="Which pose",
        items=(
            ("NEUTRAL", "Neutral", "Everything at rest"),
            ("PORTRAIT", "Portrait", "As in the portrait"),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_avatar(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            armature = require_avatar(context)
            neutral = self.pose == "NEUTRAL"
            frame = rig.neutral_frame() if neutral else avatars.portrait_frame(armature)
            rig.apply_frame(armature, frame)
        except AvatarError as error:
            self.report({"ERROR"}, error_text(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    SPLITAVATAR_OT_create_avatar,
    SPLITAVATAR_OT_sample_avatar,
    SPLITAVATAR_OT_open_avatar,
    SPLITAVATAR_OT_update_splats,
    SPLITAVATAR_OT_set_pose,
)
