"""The node group that puts the avatars' picture among what an engine has rendered."""

from typing import Any

import bpy

from .node_tree import NodeTree

NAME = "SplitAvatar Refined"

INPUTS = (("Image", "Color"), ("Depth", "Float"), ("Avatars", "Color"), ("Avatars Depth", "Float"))
"""Names and kinds, in order."""


def node_group() -> bpy.types.NodeTree:
    """The group, made where the file has none. All scenes share it."""
    for found in bpy.data.node_groups:
        if is_ours(found) and found.library is None:
            return found
    tree = NodeTree(NAME, "CompositorNodeTree")
    image, depth, avatars, avatars_depth = (
        tree.input(name, kind, default_value=1e10 if kind == "Float" else (0, 0, 0, 0))
        for name, kind in INPUTS
    )
    is_nearer = _math(tree, "LESS_THAN", depth, avatars_depth)
    edge = tree.value("CompositorNodeAntiAliasing", (is_nearer,))
    # Both have one alpha, so that only colours are mixed.
    behind, before = _over(tree, image, avatars), _over(tree, avatars, image)
    return tree.output(_mix(tree, edge, behind, before), "Image", "Color")


def is_ours(tree: Any) -> bool:
    """Whether a node tree is this group; Blender numbers those that were appended."""
    return tree is not None and tree.name.startswith(NAME)


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
