"""A cube that shines green, whatever light there is."""

import bmesh
import bpy
import numpy as np


def add_cube(size_m: float, depth_m: float, right_m: float = 0.0) -> bpy.types.Object:
    """A turned cube, its centre so far from the scene's camera and beside its axis."""
    mesh, shape = bpy.data.meshes.new("Cube"), bmesh.new()
    bmesh.ops.create_cube(shape, size=size_m)
    shape.to_mesh(mesh)
    shape.free()
    material = bpy.data.materials.new("Cube")
    if not material.node_tree:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    shining, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    shining.inputs["Color"].default_value = (0, 1, 0, 1)
    material.node_tree.links.new(shining.outputs[0], output.inputs["Surface"])
    mesh.materials.append(material)
    cube = bpy.data.objects.new("Cube", mesh)
    bpy.context.scene.collection.objects.link(cube)
    bpy.context.view_layer.update()
    across, _, back, place = (column.xyz for column in bpy.context.scene.camera.matrix_world.col)
    cube.location = place - back * depth_m + across * right_m
    cube.rotation_euler = (0.3, 0.4, 0.5)
    bpy.context.view_layer.update()
    return cube


def camera_to(cube: bpy.types.Object) -> np.ndarray:
    """[4, 4] the scene's camera to the cube's own space."""
    return np.array(cube.matrix_world.inverted() @ bpy.context.scene.camera.matrix_world)
