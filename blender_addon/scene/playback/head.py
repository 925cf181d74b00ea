"""What the head mesh tells the splats on it: the head's pose, and a field of each vertex."""

from collections.abc import Sequence
from typing import Any

from ..._shared import binding
from ..node_tree import NodeTree

_LEAST_BLINK, _LEAST_WAY = 0.0005**2, 1e-8
_LEAST_AREA = 1e-12


class HeadNodes:
    """The head's part of the group, while it is built.

    Args:
        tree: The group.
        head: Socket of the mesh object; its geometry is posed by shape keys and bones.
        anchors: Sockets of three vertices that only the head's own pose moves.

    Attributes:
        pose: The head's rigid pose, a matrix.
        mesh: The geometry without that pose.
        frames: Of each vertex, its local frame, a rotation.
        closed: Of each vertex, how far a lid has closed since the portrait.
        smoothed: Of each vertex, how far what folded it in the portrait is gone.
        creased: Of each vertex, what smiling has added to logarithms of colours, a vector.
        stretch: Of each triangle, its area by the portrait's.
        growth: Of each vertex, times that splats are larger.
    """

    def __init__(self, tree: NodeTree, head: Any, anchors: Sequence[Any]) -> None:
        self._tree, self._anchors = tree, anchors
        posed = tree.node("GeometryNodeObjectInfo", (head,)).outputs["Geometry"]
        place, rest = tree.value("GeometryNodeInputPosition"), tree.bound("rest", "FLOAT_VECTOR")
        before = tree.value("FunctionNodeInvertMatrix", (self._anchored(posed, rest),))
        now = self._anchored(posed, place)
        self.pose = tree.value("FunctionNodeMatrixMultiply", (now, before))
        back = tree.value("FunctionNodeInvertMatrix", (self.pose,))
        unposed = tree.value("FunctionNodeTransformPoint", (place, back))
        self.mesh = tree.value("GeometryNodeSetPosition", (posed, None, unposed))
        area = tree.value("GeometryNodeInputMeshFaceArea")
        moved = tree.vector("SUBTRACT", place, rest)
        self.frames = self._local_frames(area)
        self.closed = self._closed_since(moved)
        self.smoothed = self._smoothed_since(moved)
        self.creased = self._creased_since(moved)
        self.stretch = tree.math("DIVIDE", area, tree.bound("fold_areas", "FLOAT"))
        self.growth = self._grown(area)

    def at_vertex(self, kind: str, field: Any) -> Any:
        """A field of the vertices at each point's own."""
        index = self._tree.bound("vertices", "INT")
        return self._tree.sample(self.mesh, kind, field, index, "POINT")

    def at_corner(self, number: int, field: Any) -> Any:
        """A vector of the vertices at a corner of each point's triangle."""
        of_face = self._tree.bound(f"corner_{number}", "INT")
        corners = self._tree.sample(self.mesh, "FLOAT_VECTOR", field, of_face, "POINT")
        return self.at_face("FLOAT_VECTOR", corners, "site_faces")

    def at_face(self, kind: str, field: Any, name: str) -> Any:
        """A field of the triangles at the one whose number a point has under a name."""
        index = self._tree.bound(name, "INT")
        return self._tree.sample(self.mesh, kind, field, index, "FACE")

    def light(self, closed: Any) -> Any:
        """How bright the mouth's inside is, as open as the mouth is now.

        Args:
            closed: Height of the closed mouth, metres.
        """
        tree, lengths = self._tree, []
        place = tree.value("GeometryNodeInputPosition")
        for weight in tree.parts(tree.bound("mouth_spans", "FLOAT_VECTOR")):
            sums = tree.node(
                "GeometryNodeAttributeStatistic",
                (self.mesh, None, tree.scale(place, weight)),
                data_type="FLOAT_VECTOR",
            )
            lengths.append(tree.vector("LENGTH", sums.outputs["Sum"]))
        height = tree.math("MAXIMUM", tree.math("SUBTRACT", lengths[0], closed), 0.0)
        eyes = tree.math("MULTIPLY", lengths[2], lengths[2])
        opening = tree.math("DIVIDE", tree.math("MULTIPLY", height, lengths[1]), eyes)
        opens, lights = binding.MOUTH_OPENING, binding.MOUTH_LIGHT
        light: Any = lights[0]
        for start, end, low, high in zip(opens, opens[1:], lights, lights[1:], strict=False):
            part = tree.value("ShaderNodeMapRange", (opening, start, end, 0.0, high - low))
            light = tree.math("ADD", light, part)
        return light

    def _anchored(self, mesh: Any, field: Any) -> Any:
        """The matrix whose axes are two edges between the anchors and what is across both."""
        tree = self._tree
        origin, one, two = (
            tree.sample(mesh, "FLOAT_VECTOR", field, anchor, "POINT") for anchor in self._anchors
        )
        first, second = tree.vector("SUBTRACT", one, origin), tree.vector("SUBTRACT", two, origin)
        across = tree.vector("NORMALIZE", tree.vector("CROSS_PRODUCT", first, second))
        columns = []
        for vector, last in ((first, 0.0), (second, 0.0), (across, 0.0), (origin, 1.0)):
            columns += [*tree.parts(vector), last]
        return tree.value("FunctionNodeCombineMatrix", columns)

    def _local_frames(self, area: Any) -> Any:
        """Normals weighted by areas, and tangents towards each vertex' fixed neighbour."""
        tree, place = self._tree, self._tree.value("GeometryNodeInputPosition")
        facing = tree.scale(tree.value("GeometryNodeInputNormal"), area)
        # From triangles to vertices Blender takes the mean, whose direction is the sum's.
        facing = tree.on_domain("FLOAT_VECTOR", "FACE", facing)
        normal = tree.vector("NORMALIZE", tree.on_domain("FLOAT_VECTOR", "POINT", facing))
        neighbour = tree.bound("neighbours", "INT")
        there = tree.sample(self.mesh, "FLOAT_VECTOR", place, neighbour, "POINT")
        return tree.value(
            "FunctionNodeAxesToRotation",
            (normal, tree.vector("SUBTRACT", there, place)),
            primary_axis="Z",
            secondary_axis="X",
        )

    def _gone(self, moved: Any, way: Any, least: float) -> Any:
        """How far a vertex has gone of its way: 1 is all of it."""
        tree = self._tree
        length = tree.math("MAXIMUM", tree.vector("DOT_PRODUCT", way, way), least)
        return tree.math("DIVIDE", tree.vector("DOT_PRODUCT", moved, way), length)

    def _closed_since(self, moved: Any) -> Any:
        tree, before = self._tree, self._tree.bound("closed_before", "FLOAT")
        gone = self._gone(moved, tree.bound("blinks", "FLOAT_VECTOR"), _LEAST_BLINK)
        more = tree.math("SUBTRACT", gone, before)
        return tree.math("DIVIDE", more, tree.math("SUBTRACT", 1.0, before), clamp=True)

    def _smoothed_since(self, moved: Any) -> Any:
        tree = self._tree
        gone = self._gone(moved, tree.bound("ways", "FLOAT_VECTOR"), _LEAST_WAY)
        left = tree.math("SUBTRACT", tree.bound("fold_starts", "FLOAT"), gone, clamp=True)
        return tree.math("MULTIPLY", left, tree.bound("folded", "FLOAT"))

    def _creased_since(self, moved: Any) -> Any:
        tree, sides = self._tree, []
        aside, _, _ = tree.parts(tree.bound("rest", "FLOAT_VECTOR"))
        gone = tree.vector("DOT_PRODUCT", moved, tree.bound("smiles", "FLOAT_VECTOR"))
        left = tree.math("GREATER_THAN", aside, 0.0)
        for side in (tree.math("SUBTRACT", 1.0, left), left):
            sums = tree.node("GeometryNodeAttributeStatistic", (self.mesh, side, gone))
            sides.append(sums.outputs["Sum"])
        meet = binding.SMILES_MEET_M
        share = tree.value("ShaderNodeMapRange", (aside, -meet, meet, 0.0, 1.0))
        smile = tree.mix("FLOAT", share, *sides)
        smile = tree.value("ShaderNodeMapRange", (smile, binding.CREASES_FROM, 1.0, 0.0, 1.0))
        more = tree.math("SUBTRACT", smile, tree.bound("smiled_before", "FLOAT"))
        creases = tree.bound("creases", "FLOAT_VECTOR")
        lit = tree.vector("MAXIMUM", creases, (0.0, 0.0, 0.0))
        smiles = tree.math("GREATER_THAN", more, 0.0)
        return tree.scale(tree.mix("VECTOR", smiles, lit, creases), more)

    def _grown(self, area: Any) -> Any:
        tree, before = self._tree, self._tree.bound("skin_areas", "FLOAT")
        skin = tree.math("MULTIPLY", area, tree.bound("skin_faces", "FLOAT"))
        around = tree.on_domain("FLOAT", "POINT", tree.on_domain("FLOAT", "FACE", skin))
        apart = tree.math("SQRT", tree.math("DIVIDE", around, before))
        times = tree.math("DIVIDE", apart, binding.GROWS_FROM)
        times = tree.math("MINIMUM", tree.math("MAXIMUM", times, 1.0), binding.GROWS_TO)
        return tree.mix("FLOAT", tree.math("GREATER_THAN", before, _LEAST_AREA), 1.0, times)
