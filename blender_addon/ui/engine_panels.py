"""Render properties: Blender's panels for the engine SplitAvatar, and ours for other engines."""

import bpy

from ..scene import compositing, properties, refine_group
from ..scene.compositing import ENGINE
from .text import wrapped

NOT_OURS = {"VIEWLAYER_PT_filter", "VIEWLAYER_PT_layer_passes"}


class SPLITAVATAR_PT_render(bpy.types.Panel):
    bl_label = "SplitAvatar"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        scene = context.scene
        return scene.render.engine != ENGINE and (
            bool(properties.rigs(scene)) or compositing.is_added(scene)
        )

    def draw(self, context: bpy.types.Context) -> None:
        scene, layout = context.scene, self.layout
        if not compositing.is_added(scene):
            layout.operator("splitavatar.refine_renders", icon="RENDERLAYERS")
            layout.label(text="Now splats are rendered as balls", icon="INFO")
            return
        layout.operator("splitavatar.refine_no_more", icon="X")
        if not compositing.refined_layers(scene):
            text = (
                "Not used: compositing is off, no link leads from the nodes on, or the engine is "
            )
            text += "neither Cycles nor EEVEE"
            wrapped(layout, text, "ERROR")
        if not refine_group.keeps_colours(scene):
            text = (
                "The photograph's own colours need the view Standard, AgX or Filmic, without a look"
            )
            wrapped(layout, text, "INFO")


def _panels() -> list[type[bpy.types.Panel]]:
    """Those that every simple engine has."""
    return [
        panel
        for panel in bpy.types.Panel.__subclasses__()
        if "BLENDER_RENDER" in getattr(panel, "COMPAT_ENGINES", ())
        and panel.__name__ not in NOT_OURS
    ]


def register() -> None:
    """Shows them, as Blender's manual says that engines do."""
    for panel in _panels():
        panel.COMPAT_ENGINES.add(ENGINE)


def unregister() -> None:
    """No more."""
    for panel in _panels():
        panel.COMPAT_ENGINES.discard(ENGINE)


CLASSES = (SPLITAVATAR_PT_render,)
"""Registered with the others; ours has no engines of its own."""
