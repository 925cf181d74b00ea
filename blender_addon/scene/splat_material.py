"""The material that shows each Gaussian's own colour under the Standard view."""

from typing import Any

import bpy

NAME = "SplitAvatar Splats"

SH_C0 = 0.28209479177387814
"""Of `radiance:base`: colour = SH_C0 f_dc + 1/2."""

_KNEE = 0.04045  # of sRGB; darker is a straight line


def splat_material() -> bpy.types.Material:
    """The material, made where the file has none.

    Emission: the photograph's light is already in the colour.
    """
    found = bpy.data.materials.get(NAME)
    if found is not None and found.library is None:
        return found
    new = bpy.data.materials.new(NAME)
    if not new.node_tree:
        new.use_nodes = True
    _fill(new.node_tree)
    return new


def _fill(tree: Any) -> None:
    tree.nodes.clear()
    attribute = tree.nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = "radiance:base"
    emission = tree.nodes.new("ShaderNodeEmission")
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    mix = tree.nodes.new("ShaderNodeMixShader")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(_linear(tree, attribute.outputs["Color"]), emission.inputs["Color"])
    tree.links.new(attribute.outputs["Alpha"], mix.inputs[0])
    tree.links.new(clear.outputs[0], mix.inputs[1])
    tree.links.new(emission.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
    for index, node in enumerate(tree.nodes):
        node.location = (200 * (index % 6), -250 * (index // 6))


def _linear(tree: Any, radiance: Any) -> Any:
    """Display-referred sRGB of radiance, scene-linear: a line below the knee, a power above."""
    colour = _vector(tree, "MULTIPLY_ADD", radiance, (SH_C0,) * 3, (0.5,) * 3)
    low = _vector(tree, "MULTIPLY", colour, (1 / 12.92,) * 3)
    high = _vector(tree, "MULTIPLY_ADD", colour, (1 / 1.055,) * 3, (0.055 / 1.055,) * 3)
    power = tree.nodes.new("ShaderNodeGamma")
    power.inputs["Gamma"].default_value = 2.4
    tree.links.new(high, power.inputs["Color"])
    above = _vector(tree, "CEIL", _vector(tree, "SUBTRACT", colour, (_KNEE,) * 3))
    select = tree.nodes.new("ShaderNodeMix")
    select.data_type, select.factor_mode = "VECTOR", "NON_UNIFORM"
    sockets = [socket for socket in select.inputs if socket.enabled]
    for socket, value in zip(sockets, (above, low, power.outputs[0]), strict=True):
        tree.links.new(value, socket)
    return next(socket for socket in select.outputs if socket.enabled)


def _vector(tree: Any, operation: str, *values: Any) -> Any:
    node = tree.nodes.new("ShaderNodeVectorMath")
    node.operation = operation
    for socket, value in zip(node.inputs, values, strict=False):
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, socket)
        else:
            socket.default_value = value
    return node.outputs[0]
