"""Node groups written as expressions: each method adds a node and gives its output."""

from collections.abc import Sequence
from typing import Any

import bpy

PREFIX = "bound:"
"""Of the attributes that hold a binding."""

Value = Any
"""A socket to link from, or a constant for an unlinked input."""


def input_property(modifier: bpy.types.NodesModifier, name: str) -> tuple[Any, str]:
    """Where a modifier keeps what it gives its group's input of that name: owner and path."""
    sockets = modifier.node_group.interface.items_tree
    socket = next(s for s in sockets if s.name == name and s.in_out == "INPUT")
    if hasattr(modifier, "properties"):  # from 5.2
        return getattr(modifier.properties.inputs, socket.identifier), "value"
    return modifier, f'["{socket.identifier}"]'


def get_input(modifier: bpy.types.NodesModifier, name: str) -> Any:
    """What a modifier gives its group's input of that name."""
    owner, path = input_property(modifier, name)
    return owner.path_resolve(path)


def set_input(modifier: bpy.types.NodesModifier, name: str, value: Any) -> None:
    """Sets what a modifier gives its group's input of that name."""
    owner, path = input_property(modifier, name)
    if path == "value":
        owner.value = value
    else:
        owner[path[2:-2]] = value


class NodeTree:
    """A node group that is being built.

    Args:
        name: Of the new group.
        kind: `bl_idname` of the tree.
    """

    def __init__(self, name: str, kind: str = "GeometryNodeTree") -> None:
        self.group = bpy.data.node_groups.new(name, kind)
        if kind == "GeometryNodeTree":
            self.group.is_modifier = True
        self._start = self.group.nodes.new("NodeGroupInput")

    # ---- the group's own sockets

    def input(self, name: str, kind: str, **properties: Any) -> Any:
        """A new input of the group, and its socket inside.

        Args:
            name: Shown in the modifier.
            kind: `Geometry`, `Object`, `Float`, `Int`, `Bool`, `Vector`, `Rotation`, `Color`.
            properties: Of the interface's socket, e.g. `default_value`.
        """
        made = self.group.interface.new_socket(
            name, in_out="INPUT", socket_type=f"NodeSocket{kind}"
        )
        for key, value in properties.items():
            setattr(made, key, value)
        return next(s for s in self._start.outputs if s.identifier == made.identifier)

    def output(
        self, value: Value, name: str = "Geometry", kind: str = "Geometry"
    ) -> bpy.types.NodeTree:
        """The group's one output; returns the finished group, its nodes laid out in columns."""
        self.group.interface.new_socket(name, in_out="OUTPUT", socket_type=f"NodeSocket{kind}")
        end = self.group.nodes.new("NodeGroupOutput")
        self.group.links.new(value, end.inputs[0])
        for index, node in enumerate(self.group.nodes):
            node.location = (240 * (index // 8), -220 * (index % 8))
        return self.group

    # ---- nodes

    def node(self, kind: str, inputs: Sequence[Value] = (), **properties: Any) -> Any:
        """A new node of a kind; its inputs in order, those that its properties hide left out.

        Args:
            kind: `bl_idname`.
            inputs: Sockets to link, constants, or None for what stays as it is.
            properties: Set first: they decide which inputs there are.
        """
        made = self.group.nodes.new(kind)
        for name, value in properties.items():
            setattr(made, name, value)
        sockets = [socket for socket in made.inputs if socket.enabled]
        for socket, value in zip(sockets, inputs, strict=False):
            if isinstance(value, bpy.types.NodeSocket):
                self.group.links.new(value, socket)
            elif value is not None:
                socket.default_value = value
        return made

    def value(self, kind: str, inputs: Sequence[Value] = (), **properties: Any) -> Any:
        """The first output of a new node."""
        made = self.node(kind, inputs, **properties)
        return next(socket for socket in made.outputs if socket.enabled)

    def math(self, operation: str, *values: Value, clamp: bool = False) -> Any:
        """A number from numbers."""
        return self.value("ShaderNodeMath", values, operation=operation, use_clamp=clamp)

    def vector(self, operation: str, *values: Value) -> Any:
        """A vector from vectors; `DOT_PRODUCT` and `LENGTH` give a number."""
        return self.value("ShaderNodeVectorMath", values, operation=operation)

    def scale(self, vector: Value, factor: Value) -> Any:
        """A vector times a number."""
        made = self.node("ShaderNodeVectorMath", (vector,), operation="SCALE")
        socket = made.inputs["Scale"]
        if isinstance(factor, bpy.types.NodeSocket):
            self.group.links.new(factor, socket)
        else:
            socket.default_value = factor
        return made.outputs[0]

    def mix(self, kind: str, factor: Value, first: Value, second: Value) -> Any:
        """`first` at 0, `second` at 1; of FLOAT, VECTOR or ROTATION, factors not clamped."""
        return self.value(
            "ShaderNodeMix", (factor, first, second), data_type=kind, clamp_factor=False
        )

    def switch(self, kind: str, condition: Value, first: Value, second: Value) -> Any:
        """`first` where the condition is false, else `second`."""
        return self.value("GeometryNodeSwitch", (condition, first, second), input_type=kind)

    def attribute(self, name: str, kind: str) -> Any:
        """A named attribute, as a field."""
        return self.value("GeometryNodeInputNamedAttribute", (name,), data_type=kind)

    def capture(self, geometry: Value, kind: str, field: Value) -> tuple[Any, Any]:
        """The geometry, and a field of its points kept as it is now: computed once, read often.

        Args:
            geometry: Whose points.
            kind: FLOAT, VECTOR or ROTATION.
            field: What is kept.
        """
        made = self.group.nodes.new("GeometryNodeCaptureAttribute")
        made.capture_items.new(kind, "Value")
        self.group.links.new(geometry, made.inputs[0])
        self.group.links.new(field, made.inputs["Value"])
        return made.outputs["Geometry"], made.outputs["Value"]

    def bound(self, name: str, kind: str) -> Any:
        """An attribute of the binding, of a point or of the mesh."""
        return self.attribute(PREFIX + name, kind)

    def parts(self, vector: Value) -> list[Any]:
        """A vector's three numbers."""
        return list(self.node("ShaderNodeSeparateXYZ", (vector,)).outputs)

    def rotate(self, rotation: Value, by: Value) -> Any:
        """A rotation, turned by another in the space around it."""
        return self.value("FunctionNodeRotateRotation", (rotation, by), rotation_space="GLOBAL")

    def store(self, geometry: Value, name: str, kind: str, value: Value) -> Any:
        """The geometry with a named attribute of its points."""
        return self.value(
            "GeometryNodeStoreNamedAttribute",
            (geometry, None, name, value),
            data_type=kind,
            domain="POINT",
        )

    def sample(self, geometry: Value, kind: str, value: Value, index: Value, domain: str) -> Any:
        """A field of a geometry at an element's number."""
        return self.value(
            "GeometryNodeSampleIndex", (geometry, value, index), data_type=kind, domain=domain
        )

    def on_domain(self, kind: str, domain: str, value: Value) -> Any:
        """A field evaluated on one domain."""
        return self.value("GeometryNodeFieldOnDomain", (value,), data_type=kind, domain=domain)
