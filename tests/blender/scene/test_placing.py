"""Where new avatars stand."""

import bpy
import numpy as np
import pytest
from mathutils import Vector

from blender_addon.scene import placing, properties


def placed(rig: bpy.types.Object) -> Vector:
    """Where the rig goes."""
    bpy.context.view_layer.update()
    placing.place(rig, properties.of_rig(rig).head, bpy.context.scene)
    bpy.context.view_layer.update()
    return rig.location.copy()


def box(rig: bpy.types.Object) -> np.ndarray:
    head = properties.of_rig(rig).head
    return np.array([rig.matrix_world @ Vector(corner) for corner in head.bound_box])


def test_in_an_empty_scene_an_avatar_stands_at_the_cursor(avatar_rig: bpy.types.Object) -> None:
    bpy.context.scene.cursor.location = (0.5, 1.0, 2.0)
    assert placed(avatar_rig) == Vector((0.5, 1.0, 2.0))


def test_an_avatar_never_stands_in_the_default_cube(avatar_rig: bpy.types.Object) -> None:
    bpy.ops.mesh.primitive_cube_add(size=2)
    bpy.ops.mesh.primitive_cube_add(size=2, location=(2.5, 0, 0))
    placed(avatar_rig)
    assert box(avatar_rig)[:, 0].min() > 3.5


@pytest.mark.parametrize("size", [12, 100])
def test_a_floor_or_a_room_is_stood_in(avatar_rig: bpy.types.Object, size: float) -> None:
    bpy.ops.mesh.primitive_plane_add(size=size)
    bpy.ops.mesh.primitive_cube_add(size=size)
    assert placed(avatar_rig) == Vector((0, 0, 0))


def test_what_is_hidden_is_in_nobodys_way(avatar_rig: bpy.types.Object) -> None:
    bpy.ops.mesh.primitive_cube_add(size=2)
    bpy.context.active_object.hide_set(True)
    assert placed(avatar_rig) == Vector((0, 0, 0))


def test_a_second_avatar_stands_beside_the_first(avatar_rig: bpy.types.Object) -> None:
    placed(avatar_rig)
    twin = avatar_rig.copy()
    bpy.context.scene.collection.objects.link(twin)
    twin.splitavatar.head = properties.of_rig(avatar_rig).head.copy()
    bpy.context.scene.collection.objects.link(twin.splitavatar.head)
    twin.splitavatar.head.parent = twin
    placed(twin)
    assert box(twin)[:, 0].min() > box(avatar_rig)[:, 0].max()
