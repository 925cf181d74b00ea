"""The node group that puts the avatars' picture among what an engine has rendered."""

from typing import Any

import bpy

from .node_tree import NodeTree

NAME = "SplitAvatar Refined"
VIEW = "splitavatar_view"
"""Of a group: the view transform that it is for."""

INPUTS = (("Image", "Color"), ("Depth", "Float"), ("Avatars", "Color"), ("Avatars Depth", "Float"))
"""Names and kinds, in order."""

SPACES = {"AgX": "AgX Base sRGB", "Filmic": "Filmic sRGB"}
"""View transforms that Blender can undo, so that they leave the photograph's colours alone."""

LINEAR = "Linear Rec.709"


def view_of(scene: bpy.types.Scene) -> str:
    """The view transform that the group has to undo, one of `SPACES`; empty for none."""
    view = scene.view_settings
    plain = view.look == "None" and scene.display_settings.display_device == "sRGB"
    return view.view_transform if plain and view.view_transform in SPACES else ""


def keeps_colours(scene: bpy.types.Scene) -> bool:
    """Whether renders show avatars in the photograph's own colours."""
    return bool(view_of(scene)) or scene.view_settings.view_transform == "Standard"


def node_group(view: str) -> bpy.types.NodeTree:
    """The group, made where the file has none. All scenes share it.

    Args:
        view: See `view_of`.
    """
    for found in bpy.data.node_groups:
        if is_ours(found) and found.library is None and found.get(VIEW) == view:
            return found
    tree = NodeTree(f"{NAME} ({view})" if view else NAME, "CompositorNodeTree")
    tree.group[VIEW] = view
    image, depth, avatars, avatars_depth = (
        tree.input(name, kind, default_value=1e10 if kind == "Float" else (0, 0, 0, 0))
        for name, kind in INPUTS
    )
    if view:
        avatars = _before_view(tree, avatars, SPACES[view])
    is_nearer = _math(tree, "LESS_THAN", depth, avatars_depth)
    edge = tree.value("CompositorNodeAntiAliasing", (is_nearer,))
    # Both have one alpha, so that only colours are mixed.
    behind, before = _over(tree, image, avatars), _over(tree, avatars, image)
    return tree.output(_mix(tree, edge, behind, before), "Image", "Color")


def is_ours(tree: Any) -> bool:
    """Whether a node tree is this group; Blender numbers those that were appended."""
    return tree is not None and tree.name.startswith(NAME)


def _before_view(tree: NodeTree, image: Any, space: str) -> Any:
    """Scene-linear colours that a view transform, whose colours are in `space`, shows as these."""
    shown = _converted(tree, _alpha(tree, image, straight=True), LINEAR, "sRGB")
    return _alpha(tree, _converted(tree, shown, space, LINEAR), straight=False)


def _converted(tree: NodeTree, image: Any, source: str, target: str) -> Any:
    return tree.value(
        "CompositorNodeConvertColorSpace",
        (image,),
        from_color_space=source,
        to_color_space=target,
    )


def _alpha(tree: NodeTree, image: Any, straight: bool) -> Any:
    made = tree.node("CompositorNodePremulKey", (image,))
    if hasattr(made, "mapping"):
        made.mapping = "PREMUL_TO_STRAIGHT" if straight else "STRAIGHT_TO_PREMUL"
    else:  # from 5.0
        made.inputs["Type"].default_value = "To Straight" if straight else "To Premultiplied"
    return made.outputs[0]


def _over(tree: NodeTree, below: Any, above: Any) -> Any:
    """Premultiplied colours over each other."""
    if bpy.app.version >= (5, 0, 0):
        return tree.value("CompositorNodeAlphaOver", (below, above, 1.0))
    return tree.value("CompositorNodeAlphaOver", (1.0, below, above))


def _math(tree: NodeTree, operation: str, *values: Any) -> Any:
    kind = "ShaderNodeMath" if bpy.app.version >= (5, 0, 0) else "CompositorNodeMath"
    return tree.value(kind, values, operation=operation)


def _mix(tree: NodeTree, factor: Any, first: Any, second: Any) -> Any:
    """Colours: `first` at 0, `second` at 1."""
    if bpy.app.version >= (5, 0, 0):
        return tree.value("ShaderNodeMix", (factor, first, second), data_type="RGBA")
    return tree.value("CompositorNodeMixRGB", (factor, first, second))
