"""Data-blocks of N points, on every Blender from 4.2 on.

5.2 makes point clouds of any size. 4.5 and its neighbours make them by the Convert operator only,
and measure the box around one just once, when it is first looked at, when a file is read and after
an undo, whatever is written later: there a geometry node modifier has it measured each time. 4.2
cannot make them at all: a mesh of loose vertices carries the attributes, and a geometry node
modifier turns it into points for display.
"""

from typing import Any

import bpy

from .node_tree import NodeTree

NODES = "SplitAvatar Points"
BOUNDS = "SplitAvatar Bounds"


def _resizes() -> bool:
    return "resize" in bpy.types.PointCloud.bl_rna.functions


def _converts() -> bool:
    target = bpy.ops.object.convert.get_rna_type().properties["target"]
    return "POINTCLOUD" in target.enum_items


def new(name: str, count: int) -> bpy.types.ID:
    """A point cloud of `count` points; a mesh of as many vertices where there are no clouds."""
    if _resizes():
        cloud = bpy.data.pointclouds.new(name)
        cloud.resize(count)
        return cloud
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(count)
    if not _converts():
        return mesh
    return _converted(mesh)


def _converted(mesh: bpy.types.Mesh) -> bpy.types.PointCloud:
    """The mesh's vertices as a point cloud; the operator wants a visible, selected object."""
    name = mesh.name
    temporary = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(temporary)
    view_layer = bpy.context.view_layer
    view_layer.update()
    active, selected = view_layer.objects.active, list(bpy.context.selected_objects)
    for other in selected:
        other.select_set(False)
    temporary.select_set(True)
    view_layer.objects.active = temporary
    with bpy.context.temp_override(
        active_object=temporary, object=temporary, selected_objects=[temporary]
    ):
        bpy.ops.object.convert(target="POINTCLOUD")
    cloud = temporary.data
    bpy.data.objects.remove(temporary)
    for other in selected:
        other.select_set(True)
    view_layer.objects.active = active
    if mesh.users == 0:
        bpy.data.meshes.remove(mesh)
    cloud.name = name
    return cloud


def elements(data: Any) -> Any:
    """The points of a cloud or the vertices of a mesh."""
    return data.vertices if isinstance(data, bpy.types.Mesh) else data.points


def count(holder: bpy.types.Object) -> int:
    """How many points an object has."""
    return len(elements(holder.data))


def remove(data: Any) -> None:
    """Deletes a data-block that nothing uses any more."""
    if data.users == 0:
        bpy.data.batch_remove([data])


def prepare(holder: bpy.types.Object, material: bpy.types.Material, by_nodes: bool = False) -> None:
    """What an object needs to be shown as written, in this Blender.

    Args:
        holder: Has the data.
        material: Of its points.
        by_nodes: Whether it is a geometry node modifier of its own that says where they are.
    """
    if isinstance(holder.data, bpy.types.Mesh):
        modifier = holder.modifiers.get(NODES) or holder.modifiers.new(NODES, "NODES")
        modifier.node_group = _to_points(material)
    elif by_nodes and BOUNDS in holder.modifiers:
        holder.modifiers.remove(holder.modifiers[BOUNDS])
    elif not (by_nodes or _resizes() or BOUNDS in holder.modifiers):
        # Else a head that moves out of its first box would vanish from close-ups.
        holder.modifiers.new(BOUNDS, "NODES").node_group = _where_they_are()


def written(data: Any) -> None:
    """Tells Blender that attributes were written."""
    if isinstance(data, bpy.types.Mesh) and len(data.vertices):
        data.vertices[0].co = data.vertices[0].co  # the only thing that renews a mesh's bounds
        data.update()
    data.update_tag()


def _where_they_are() -> bpy.types.NodeTree:
    """Sets positions to what they are, after which Blender measures the box anew."""
    found = bpy.data.node_groups.get(BOUNDS)
    if found is not None:
        return found
    tree = NodeTree(BOUNDS)
    points = tree.input("Geometry", "Geometry")
    position = tree.value("GeometryNodeInputPosition")
    return tree.output(tree.value("GeometryNodeSetPosition", (points, None, position)))


def _to_points(material: bpy.types.Material) -> bpy.types.NodeTree:
    """Mesh to Points with the radius attribute, and the material."""
    found = bpy.data.node_groups.get(NODES)
    if found is not None:
        return found
    tree = NodeTree(NODES)
    mesh, radius = tree.input("Geometry", "Geometry"), tree.attribute("radius", "FLOAT")
    points = tree.value("GeometryNodeMeshToPoints", (mesh, None, None, radius))
    return tree.output(tree.value("GeometryNodeSetMaterial", (points, None, material)))
