"""Operators that put the avatars, as the backend renders them, into renders by any engine."""

import bpy

from ..scene import compositing, properties
from .reports import reported


class SPLITAVATAR_OT_refine_renders(bpy.types.Operator):
    bl_idname = "splitavatar.refine_renders"
    bl_label = "Refine Avatars in Renders"
    bl_description = (
        "Render avatars by the backend and put them among the meshes of this engine: adds two "
        "nodes behind this view layer's Render Layers in the compositor, and its pass Z"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        why = _why_not(context.scene)
        if why:
            cls.poll_message_set(why)
        return not why

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        compositing.add(context.scene, context.view_layer)
        self.report({"INFO"}, "The compositor puts the avatars among the meshes")
        return {"FINISHED"}


def _why_not(scene: bpy.types.Scene) -> str:
    if bpy.app.version < (4, 5, 0):
        return "This needs Blender 4.5 or newer"
    if scene.render.engine not in compositing.ENGINES:
        return "Only Cycles and EEVEE can"
    if not properties.rigs(scene):
        return "The scene has no avatar"
    return "The compositor has them already" if compositing.is_added(scene) else ""


class SPLITAVATAR_OT_refine_no_more(bpy.types.Operator):
    bl_idname = "splitavatar.refine_no_more"
    bl_label = "Render Splats as Balls"
    bl_description = "Take the two nodes out of the compositor: splats are rendered as balls"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return compositing.is_added(context.scene)

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        compositing.remove(context.scene)
        self.report({"INFO"}, "The compositor is as it was without the avatars")
        return {"FINISHED"}


CLASSES = (SPLITAVATAR_OT_refine_renders, SPLITAVATAR_OT_refine_no_more)
