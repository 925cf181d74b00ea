"""The pass Layer of the engine SplitAvatar: which view layers are asked for it."""

import bpy
from bpy.props import BoolProperty, PointerProperty

NAME = "Layer"


def _changed(settings: "LayerSettings", context: bpy.types.Context) -> None:
    """Render Layers nodes get the pass, or lose it, in the compositors of other scenes, too."""
    for scene in bpy.data.scenes:
        for layer in scene.view_layers:
            layer.update_render_passes()


class LayerSettings(bpy.types.PropertyGroup):
    """`ViewLayer.splitavatar`."""

    use_pass_layer: BoolProperty(
        name=NAME,
        description=(
            "Deliver which layer of an avatar each pixel shows, for ID Mask nodes: 1 is its front, "
            "2 its back, 3 to 6 are G0 to G3, 0 is nothing"
        ),
        update=_changed,
    )


CLASSES = (LayerSettings,)


def of(layer: bpy.types.ViewLayer) -> LayerSettings:
    """The settings of a view layer."""
    return layer.splitavatar


def is_asked(layer: bpy.types.ViewLayer) -> bool:
    """Whether the pass is asked for; not once the add-on was disabled: a render may still go on."""
    return hasattr(layer, "splitavatar") and of(layer).use_pass_layer


def register() -> None:
    """Hangs the settings on view layers."""
    bpy.types.ViewLayer.splitavatar = PointerProperty(type=LayerSettings)


def unregister() -> None:
    """Takes them off again; what files store stays in them."""
    del bpy.types.ViewLayer.splitavatar
