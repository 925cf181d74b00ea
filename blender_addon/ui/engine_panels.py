"""Render and View Layer properties: Blender's panels for the engine SplitAvatar, ours for it, and
ours for other engines."""

import bpy

from ..scene import compositing, layer_pass, properties, refine_group
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
        if compositing.is_added(scene):
            layout.operator("splitavatar.refine_no_more", icon="X")
            if scene.render.use_motion_blur:
                layout.prop(properties.of_scene(scene), "blur_pictures", text="Blur Pictures")
        else:
            layout.operator("splitavatar.refine_renders", icon="RENDERLAYERS")
        for text in remarks(scene):
            wrapped(layout, text, "INFO")


class SPLITAVATAR_PT_motion_blur(bpy.types.Panel):
    bl_label = "Motion Blur"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.render.engine == ENGINE

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.render, "use_motion_blur", text="")

    def draw(self, context: bpy.types.Context) -> None:
        render, layout = context.scene.render, self.layout
        layout.use_property_split = True
        layout.active = render.use_motion_blur
        layout.prop(render, "motion_blur_position", text="Position")
        layout.prop(render, "motion_blur_shutter")
        layout.prop(properties.of_scene(context.scene), "blur_pictures")
        layout.label(text="Shutter Curve")
        layout.template_curve_mapping(render, "motion_blur_shutter_curve")


class SPLITAVATAR_PT_passes(bpy.types.Panel):
    bl_label = "Passes"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "view_layer"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.render.engine == ENGINE

    def draw(self, context: bpy.types.Context) -> None:
        layer, layout = context.view_layer, self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(heading="Include")
        column.prop(layer, "use_pass_z")
        column.prop(layer_pass.of(layer), "use_pass_layer")


def remarks(scene: bpy.types.Scene) -> list[str]:
    """What users should know of how this scene's avatars are rendered."""
    if not compositing.is_added(scene):
        return ["Splats are rendered as balls"]
    if scene.render.engine not in compositing.ENGINES:
        return ["Splats are rendered as balls: this engine is neither Cycles nor EEVEE"]
    if not compositing.is_on(scene):
        return ["Splats are rendered as balls: compositing is off"]
    if not compositing.refined_layers(scene):
        return ["Splats are rendered as balls: the compositor does not use the nodes"]
    if not refine_group.keeps_colours(scene):
        return [
            "The view transform changes the photograph's colours: Standard, AgX and Filmic "
            "without a look do not"
        ]
    return []


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


CLASSES = (SPLITAVATAR_PT_render, SPLITAVATAR_PT_motion_blur, SPLITAVATAR_PT_passes)
"""Registered with the others; these have no engines of their own."""
