"""The node group that moves an avatar's splats with its head mesh.

It computes what `shared.binding` says, in the object's space, from attributes named `bound:...`
that `binding` has stored on the points and on the mesh, and gives the points the attributes of
Blender's native splats.
"""

from typing import Any

import bpy

from ..._shared import binding
from ..node_tree import NodeTree
from ..splat_material import SH_C0, splat_material
from ..splats import BALL_SIGMAS, MASKED_OPACITY, MASKED_RADIUS_M
from .head import HeadNodes
from .points import PointNodes

NAME = "SplitAvatar Playback 3"
"""The number goes up when the group reads other attributes: avatars that a file had before keep the
group they were bound for."""

HEAD, CLOSED = "Head", "Closed Mouth"
ANCHORS = ("Anchor 1", "Anchor 2", "Anchor 3")
TORSO_PLACE, TORSO_TURN = "Torso Location", "Torso Rotation"

THRESHOLD = "Mask Threshold"
LAYERS = ("Front", "Back", "G0", "G1", "G2", "G3")
BY_LAYER, BY_MASK = "Colour by Layer", "Mask Heat Map"
"""Inputs for people: which layers are shown and from which mask on, and colours that tell them
apart (the paper's Fig. 6)."""

AS_RENDERED = {
    **dict.fromkeys(LAYERS, True), BY_LAYER: False, BY_MASK: False, THRESHOLD: binding.KEPT_ABOVE
}  # fmt: skip
"""What those inputs are where nobody looks at layers and masks."""

_COLD = 2 / 3  # a hue, blue: a mask of 0


def playback_group() -> bpy.types.NodeTree:
    """The group, made where the file has none."""
    found = bpy.data.node_groups.get(NAME)
    if found is not None and found.library is None:
        return found
    return _built()


def _built() -> bpy.types.NodeTree:
    tree = NodeTree(NAME)
    points = tree.input("Geometry", "Geometry")
    head = HeadNodes(
        tree, tree.input(HEAD, "Object"), [tree.input(name, "Int") for name in ANCHORS]
    )
    torso = (tree.input(TORSO_PLACE, "Vector"), tree.input(TORSO_TURN, "Rotation"))
    closed = tree.input(CLOSED, "Float")
    moved = PointNodes(tree, head, points, torso)
    look = tree.node("FunctionNodeSeparateColor", (tree.bound("colours", "FLOAT_COLOR"),))
    opacity = look.outputs["Alpha"]
    shown = tree.math("MULTIPLY", _kept(tree), tree.math("GREATER_THAN", opacity, 0.0))
    points, shown = tree.capture(moved.points, "FLOAT", shown)
    alpha = tree.mix("FLOAT", shown, MASKED_OPACITY, opacity)
    base = tree.value("ShaderNodeCombineXYZ", tuple(look.outputs)[:3])
    colour = _inspected(tree, moved.colour(base, closed))
    half = tree.vector("SUBTRACT", colour, (0.5, 0.5, 0.5))
    dc = tree.parts(tree.scale(half, 1 / SH_C0))
    radiance = tree.value("FunctionNodeCombineColor", (*dc, alpha))
    points = tree.store(points, "rotation", "QUATERNION", moved.turn)
    points = tree.store(points, "scale", "FLOAT_VECTOR", moved.scales())
    points = tree.store(points, "radiance:base", "FLOAT_COLOR", radiance)
    points = tree.store(points, "layer", "INT", tree.bound("layers", "INT"))
    points = tree.value("GeometryNodeSetPointRadius", (points, None, _radius(tree, shown)))
    points = tree.value("GeometryNodeSetPosition", (points, None, moved.place))
    return tree.output(tree.value("GeometryNodeSetMaterial", (points, None, splat_material())))


def _kept(tree: NodeTree) -> Any:
    """1 where neither the mask nor its layer's switch hides a point."""
    threshold = tree.input(
        THRESHOLD, "Float", default_value=binding.KEPT_ABOVE, min_value=0.0, max_value=1.0
    )
    bits: Any = 0.0
    for number, name in enumerate(LAYERS):
        shown = tree.input(name, "Bool", default_value=True)
        bits = tree.math("MULTIPLY_ADD", shown, float(2**number), bits)
    layer = tree.math("POWER", 2.0, tree.bound("layers", "INT"))
    switch = tree.math("MODULO", tree.math("FLOOR", tree.math("DIVIDE", bits, layer)), 2.0)
    masks = tree.math("GREATER_THAN", tree.bound("masks", "FLOAT"), threshold)
    return tree.math("MULTIPLY", switch, masks)


def _inspected(tree: NodeTree, colour: Any) -> Any:
    """The colour, or one that tells layers or masks apart."""
    by_layer, by_mask = (tree.input(name, "Bool") for name in (BY_LAYER, BY_MASK))
    hue = tree.math("DIVIDE", tree.bound("layers", "INT"), float(len(LAYERS)))
    colour = tree.switch("VECTOR", by_layer, colour, _of_hue(tree, hue))
    left = tree.math("SUBTRACT", 1.0, tree.bound("masks", "FLOAT"))
    heat = _of_hue(tree, tree.math("MULTIPLY", left, _COLD))
    return tree.switch("VECTOR", by_mask, colour, heat)


def _of_hue(tree: NodeTree, hue: Any) -> Any:
    colour = tree.value("FunctionNodeCombineColor", (hue, 0.9, 0.9), mode="HSV")
    parts = tree.node("FunctionNodeSeparateColor", (colour,))
    return tree.value("ShaderNodeCombineXYZ", tuple(parts.outputs)[:3])


def _radius(tree: NodeTree, shown: Any) -> Any:
    """Of the ball that a Gaussian is where it is not drawn as one."""
    x, y, z = tree.parts(tree.attribute("scale", "FLOAT_VECTOR"))
    least = tree.math("MINIMUM", tree.math("MINIMUM", x, y), z)
    total = tree.math("ADD", tree.math("ADD", x, y), z)
    radius = tree.math("MULTIPLY", tree.math("SUBTRACT", total, least), BALL_SIGMAS / 2)
    return tree.mix("FLOAT", shown, MASKED_RADIUS_M, radius)
