"""Operators that make and show avatars."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import IntProperty, StringProperty

from .._shared import errors, photos
from ..link import settings
from ..scene import avatars, linking, packed, properties
from ..steps import Steps
from ..work import create, session
from .long_operation import LongOperation
from .photo_choice import PhotoChoice
from .polls import WhenIdle, WithAvatar, WithAvatarWhenIdle, require_avatar
from .reports import reported


class CreatesAvatar(WhenIdle, LongOperation):
    """What Create Avatar and Sample Avatar share."""

    avatar_name: StringProperty(name="Name", description="Name of the rig; empty: that of the file")
    avatar_path: StringProperty(
        name="Avatar File",
        description="Where the .savatar is saved; empty: where the add-on's preferences say",
        subtype="FILE_PATH",
        options=properties.BLEND_RELATIVE,
    )
    face: IntProperty(
        name="Face",
        description="Which face of the photo, or of the main one: 1 is the first from the left, "
        "0 takes the largest",
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
        options={"HIDDEN"},  # for scripts
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout  # type: ignore[attr-defined]
        layout.use_property_split = True
        layout.prop(self, "avatar_name")
        layout.prop(self, "avatar_path")
        layout.prop(self, "face")

    def create(self, context: bpy.types.Context, images: list[Path], name: str) -> Steps[Any]:
        given = self.avatar_path
        if given:
            path = Path(bpy.path.abspath(given))
        else:
            path = avatars.default_path(name, settings.avatar_folder())
        armature = yield from create.create_avatar(
            context,
            images,
            name,
            path.with_suffix(".savatar").resolve(),
            face=self.face,
            iterations=self.iterations if self.iterations >= 0 else None,
        )
        return armature

    def done_text(self, result: Any) -> str:
        return f"{result.name} is ready: keyframe its controls and bones"

    def remarks(self, result: Any) -> list[str]:
        reply = session.get().loaded(result)
        return reply.notes if reply is not None else []


class SPLITAVATAR_OT_create_avatar(PhotoChoice, CreatesAvatar, bpy.types.Operator):
    """Several photos, chosen or dropped together, make one avatar: a dialog says so before."""

    bl_idname = "splitavatar.create_avatar"
    bl_label = "Create Avatar"
    bl_description = (
        f"Turn a portrait photograph, or up to {photos.MOST_PHOTOS} photos of one person together, "
        "into a head with a rig. They stay on this computer"
    )
    bl_options = {"UNDO"}
    title = "Create Avatar"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:  # dropped onto the viewport
            several = len(self.files) > 1
            # Of several the main one may be changed before they are made, and the name with it.
            self.avatar_name = "" if several else errors.legible(Path(self.filepath).stem)
            what = "These Photos" if several else "This Portrait"
            return context.window_manager.invoke_props_dialog(
                self, title=f"Create Avatar From {what}"
            )
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        CreatesAvatar.draw(self, context)
        self.draw_choice()

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        images = self.images()
        name = self.avatar_name or errors.legible(images[0].stem)
        return (yield from self.create(context, images, name))


class SPLITAVATAR_OT_sample_avatar(CreatesAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.sample_avatar"
    bl_label = "Sample Avatar"
    bl_description = "Make an avatar from the bundled public-domain portrait of an astronaut"
    bl_options = {"UNDO"}
    title = "Sample Avatar"

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        image = settings.bundle() / "backend" / "assets" / "astronaut.png"
        return (yield from self.create(context, [image], self.avatar_name or "Astronaut"))


class SPLITAVATAR_OT_open_avatar(WhenIdle, LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.open_avatar"
    bl_label = "Open Avatar"
    bl_description = "Add an avatar from a .savatar file to the scene"
    bl_options = {"UNDO"}
    title = "Open Avatar"

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | properties.BLEND_RELATIVE)
    filter_glob: StringProperty(default="*.savatar", options={"HIDDEN"})
    avatar_name: StringProperty(name="Name", description="Name of the rig; empty: that of the file")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        path = Path(bpy.path.abspath(self.filepath)).resolve()
        return (yield from create.open_avatar(context, path, self.avatar_name or path.stem))

    def done_text(self, result: Any) -> str:
        return f"{result.name} is ready: keyframe its controls and bones"


class SPLITAVATAR_OT_update_splats(WithAvatarWhenIdle, LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.update_splats"
    bl_label = "Update Now"
    bl_description = "Load the avatar where needed and compute its splats for this frame"
    bl_options = {"UNDO"}
    title = "Update Splats"

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        yield from create.fill_cloud(context, require_avatar(context))


class SPLITAVATAR_OT_relink_avatar(WithAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.relink_avatar"
    bl_label = "Find Avatar File"
    bl_description = "Choose the .savatar of this avatar, and of all that had the same file"
    bl_options = {"UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | properties.BLEND_RELATIVE)
    filter_glob: StringProperty(default="*.savatar", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = require_avatar(context)
        linking.require_own(armature)
        path = Path(bpy.path.abspath(self.filepath)).resolve()
        create.require_file(path)
        was_packed = packed.is_packed(armature)
        found = properties.relink(armature, path)
        packed.let_go(found)  # what is packed may be another one's
        session.get().error = None
        avatars_here = session.get().avatars
        for rig in found:
            avatars_here.bind(rig)
        avatars_here.forget_shown()
        names = ", ".join(rig.name for rig in found)
        no_more = ", and no longer packed" if was_packed else ""
        self.report({"INFO"}, f"The file of {names} is {path}{no_more}")
        return {"FINISHED"}


CLASSES = (
    SPLITAVATAR_OT_create_avatar,
    SPLITAVATAR_OT_sample_avatar,
    SPLITAVATAR_OT_open_avatar,
    SPLITAVATAR_OT_update_splats,
    SPLITAVATAR_OT_relink_avatar,
)
