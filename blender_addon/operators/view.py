"""Operators on what is seen: the previewed frame and the portrait's camera."""

from typing import Any

import bpy
from bpy.props import BoolProperty

from .. import steps
from ..scene import cameras, linking, looking, preview, rest, rig
from ..steps import Steps
from ..work import session
from ..work.shot import Shot
from .long_operation import LongOperation
from .polls import WithAvatar, WithAvatarWhenIdle, require_avatar
from .reports import reported


class SPLITAVATAR_OT_preview_frame(WithAvatarWhenIdle, LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.preview_frame"
    bl_label = "Preview Frame"
    bl_description = (
        "Render this frame through the scene's camera (without one: the portrait's) "
        "and show it in the viewport"
    )
    title = "Preview Frame"

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        armature = require_avatar(context)
        depsgraph = rig.evaluate(context, armature)
        rest.require_evaluated(armature, depsgraph)
        shot = Shot.of(armature, depsgraph)
        reply = yield from session.get().render(armature, shot.frame, shot.camera)
        preview.show(reply.rgba, shot.key)
        return reply


class SPLITAVATAR_OT_clear_preview(bpy.types.Operator):
    bl_idname = "splitavatar.clear_preview"
    bl_label = "Clear Preview"
    bl_description = "Take the previewed frame out of the viewport"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return preview.image() is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        preview.clear()
        return {"FINISHED"}


class SPLITAVATAR_OT_add_camera(WithAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.add_camera"
    bl_label = "Portrait Camera"
    bl_description = (
        "Look through the camera that the portrait was taken with, as the backend fitted it; "
        "it is added the first time"
    )
    bl_options = {"REGISTER", "UNDO"}

    use_scene: BoolProperty(
        name="Use for the Scene", description="Make it the scene's camera", default=True
    )
    set_resolution: BoolProperty(
        name="Portrait Resolution",
        description="Set the scene's resolution to the portrait's 512 by 512 pixels",
        default=True,
    )

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = require_avatar(context)
        fitted = cameras.portrait_camera(armature)
        placed, text = cameras.portrait_camera_object(context.scene, armature), "Uses"
        if placed is None:
            collection = linking.home(armature, context.view_layer)
            placed = cameras.add_portrait_camera(context.scene, collection, armature)
            text = "Added"
        text += f" the camera {placed.name!r}"
        if self.use_scene:
            context.scene.camera = placed
            text += ", made it the scene's camera"
            if not steps.without_window():
                looking.through_camera(context)
        if self.set_resolution:
            render = context.scene.render
            render.resolution_x, render.resolution_y = fitted.width, fitted.height
            render.resolution_percentage = 100
            render.pixel_aspect_x = render.pixel_aspect_y = 1
            text += f" and set the resolution to {fitted.width} x {fitted.height}"
        self.report({"INFO"}, text)
        return {"FINISHED"}


CLASSES = (
    SPLITAVATAR_OT_preview_frame,
    SPLITAVATAR_OT_clear_preview,
    SPLITAVATAR_OT_add_camera,
)
