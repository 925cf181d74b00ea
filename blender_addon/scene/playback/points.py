"""Where each splat is, how it is turned, how large it is and which colour it has."""

from typing import Any

from ..._shared import binding
from ..node_tree import NodeTree
from .head import HeadNodes


class PointNodes:
    """The points' part of the group, while it is built.

    Args:
        tree: The group.
        head: Its other part.
        points: The geometry.
        torso: Sockets of the torso's place, a vector, and of its turn, a rotation.

    Attributes:
        points: The geometry, with what is read more than once kept on it.
        place: Of each point, metres, in the object's space.
        turn: Of each point, a rotation.
    """

    def __init__(self, tree: NodeTree, head: HeadNodes, points: Any, torso: tuple) -> None:
        self._tree, self._head = tree, head
        self._skin = tree.math("GREATER_THAN", tree.bound("vertices", "INT"), -0.5)
        means, quats = self._unposed()
        points, means = tree.capture(points, "VECTOR", means)
        points, self._quats = tree.capture(points, "ROTATION", quats)
        share, self._slope, _ = tree.parts(tree.bound("follow", "FLOAT_VECTOR"))
        place, turn = torso
        still = tree.vector("ADD", tree.value("FunctionNodeRotateVector", (means, turn)), place)
        moved = tree.value("FunctionNodeTransformPoint", (means, head.pose))
        points, self._apart = tree.capture(points, "VECTOR", tree.vector("SUBTRACT", moved, still))
        self.place = tree.vector("ADD", still, tree.scale(self._apart, share))
        turned = tree.node("FunctionNodeSeparateTransform", (head.pose,)).outputs["Rotation"]
        turned = tree.rotate(self._quats, tree.mix("ROTATION", share, turn, turned))
        self.points, self.turn = tree.capture(points, "ROTATION", turned)

    def _unposed(self) -> tuple[Any, Any]:
        """Places and turns without head pose; identity stays where it is."""
        tree, head = self._tree, self._head
        start = self._at_site(tree.value("GeometryNodeInputPosition"))
        frame, quats = head.at_vertex("QUATERNION", head.frames), tree.bound("quats", "QUATERNION")
        offsets = tree.bound("offsets", "FLOAT_VECTOR")
        offset = tree.value("FunctionNodeRotateVector", (offsets, frame))
        rest = tree.value("GeometryNodeInputPosition")
        means = tree.mix("VECTOR", self._skin, rest, tree.vector("ADD", start, offset))
        return means, tree.switch("ROTATION", self._skin, quats, tree.rotate(quats, frame))

    def _at_site(self, field: Any) -> Any:
        """A vector of the vertices between the corners of each point's triangle."""
        tree, total = self._tree, None
        one, two, _ = tree.parts(tree.bound("site_weights", "FLOAT_VECTOR"))
        three = tree.math("SUBTRACT", 1.0, tree.math("ADD", one, two))
        for corner, weight in enumerate((one, two, three)):
            part = tree.scale(self._head.at_corner(corner, field), weight)
            total = part if total is None else tree.vector("ADD", total, part)
        return total

    def scales(self) -> Any:
        """Standard deviations, metres: larger where skin stretches or a neck bends."""
        tree = self._tree
        growth = self._head.at_vertex("FLOAT", self._head.growth)
        growth = tree.mix("FLOAT", self._skin, 1.0, growth)
        scales = tree.scale(tree.bound("scales", "FLOAT_VECTOR"), growth)
        return tree.vector("MULTIPLY", scales, self._torn(tree.scale(self._apart, self._slope)))

    def _torn(self, stretch: Any) -> Any:
        """How much longer each axis is where rows that follow the head differently part.

        An axis a becomes a + stretch times its height; what it is long is computed in its own
        frame, where a is (1, 0, 0) and so on.

        Deviates: the backend turns the axes into those of the stretched Gaussian; here they keep
        their directions and get their own lengths.
        """
        tree = self._tree
        before = tree.value("FunctionNodeInvertRotation", (self._quats,))
        after = tree.value("FunctionNodeInvertRotation", (self.turn,))
        heights = tree.value("FunctionNodeRotateVector", ((0.0, 0.0, 1.0), before))
        along = tree.value("FunctionNodeRotateVector", (stretch, after))
        own = tree.vector("MULTIPLY_ADD", tree.scale(along, 2.0), heights, (1.0, 1.0, 1.0))
        far = tree.vector("MULTIPLY", heights, heights)
        far = tree.scale(far, tree.vector("DOT_PRODUCT", stretch, stretch))
        squares = tree.parts(tree.vector("ADD", own, far))
        return tree.value("ShaderNodeCombineXYZ", [tree.math("SQRT", part) for part in squares])

    def colour(self, base: Any, closed_mouth: Any) -> Any:
        """Display-referred sRGB 0..1 after folds, lids, creases and the mouth's light.

        Args:
            base: The portrait's, a vector.
            closed_mouth: Height of the closed mouth, metres.
        """
        tree, head = self._tree, self._head
        share = tree.math("MAXIMUM", head.at_vertex("FLOAT", head.smoothed), self._stretched())
        colour = self._towards(base, "fold", share)
        colour = self._towards(colour, "lid", head.at_vertex("FLOAT", head.closed))
        creased = tree.parts(self._at_site(head.creased))
        times = [tree.math("EXPONENT", part) for part in creased]
        creased = tree.vector("MULTIPLY", colour, tree.value("ShaderNodeCombineXYZ", times))
        colour = tree.mix("VECTOR", self._skin, colour, creased)
        before = tree.bound("mouth_lights", "FLOAT")
        times = tree.math("DIVIDE", head.light(closed_mouth), before)
        times = tree.math("MINIMUM", times, binding.MOUTH_BRIGHTEST)
        inside = tree.math("GREATER_THAN", before, 0.0)
        colour = tree.scale(colour, tree.mix("FLOAT", inside, 1.0, times))
        return tree.vector(
            "MAXIMUM", tree.vector("MINIMUM", colour, (1.0, 1.0, 1.0)), (0.0, 0.0, 0.0)
        )

    def _towards(self, colour: Any, name: str, share: Any) -> Any:
        """Some of the way to another colour, which each point has as 0xRRGGBB."""
        tree, packed = self._tree, self._tree.bound(f"{name}_colours", "INT")
        parts = [
            tree.math("FLOOR", tree.math("DIVIDE", packed, 65536.0)),
            tree.math("FLOOR", tree.math("DIVIDE", tree.math("MODULO", packed, 65536.0), 256.0)),
            tree.math("MODULO", packed, 256.0),
        ]
        target = tree.scale(tree.value("ShaderNodeCombineXYZ", parts), 1 / 255)
        factor = tree.math("MULTIPLY", share, tree.bound(f"{name}_shares", "FLOAT"))
        return tree.mix("VECTOR", factor, colour, target)

    def _stretched(self) -> Any:
        """How far the skin around each point is larger than in the portrait."""
        tree, head, total = self._tree, self._head, None
        for number in range(3):
            ratio = head.at_face("FLOAT", head.stretch, f"fold_face_{number}")
            total = ratio if total is None else tree.math("ADD", total, ratio)
        least = head.at_vertex("FLOAT", tree.bound("fold_least", "FLOAT"))
        times = tree.math("DIVIDE", total, tree.math("MULTIPLY", least, 3.0))
        times = tree.math("MAXIMUM", times, 1.0)
        return tree.math("SUBTRACT", 1.0, tree.math("DIVIDE", 1.0, tree.math("POWER", times, 2.0)))
