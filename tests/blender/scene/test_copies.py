"""Rigs that were duplicated without what belongs to them."""

import bpy
import numpy as np
import pytest

from blender_addon.scene import properties
from shared.flame import Track
from tests.blender.seen import direct, positions


def _vertices(head: bpy.types.Object) -> np.ndarray:
    """The evaluated head mesh."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    mesh = head.evaluated_get(depsgraph).to_mesh()
    return np.array([vertex.co[:] for vertex in mesh.vertices])


@pytest.mark.parametrize("linked", [False, True])
def test_a_copy_of_the_armature_alone_gets_its_own_cloud_and_head(
    live_rig: bpy.types.Object, linked: bool
) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    live_rig.select_set(True)
    bpy.context.view_layer.objects.active = live_rig
    bpy.ops.object.duplicate(linked=linked)
    copy = bpy.context.active_object
    before = positions(live_rig)
    copy["jawOpen"] = 1.0
    bpy.ops.splitavatar.update_splats()
    parts, first = properties.of_rig(copy), properties.of_rig(live_rig)
    assert parts.cloud is not first.cloud
    assert parts.cloud.data is not first.cloud.data
    assert parts.cloud.parent is parts.head.parent is copy
    np.testing.assert_array_equal(positions(live_rig), before)
    frame = Track.from_arkit({"jawOpen": 1.0})
    np.testing.assert_array_equal(positions(copy), direct(copy, frame))
    for settings in (parts, first):
        settings.display = "BOTH"
    moved = np.abs(_vertices(parts.head) - _vertices(first.head)).max()
    assert moved > 1e-3


def test_a_full_copy_of_the_scene_leaves_the_first_one_alone(live_rig: bpy.types.Object) -> None:
    before = positions(live_rig)
    bpy.ops.scene.new(type="FULL_COPY")
    (copy,) = properties.rigs(bpy.context.scene)
    assert copy is not live_rig
    bpy.context.view_layer.objects.active = copy
    copy["jawOpen"] = 1.0
    bpy.ops.splitavatar.update_splats()
    np.testing.assert_array_equal(positions(live_rig), before)
    frame = Track.from_arkit({"jawOpen": 1.0})
    np.testing.assert_array_equal(positions(copy), direct(copy, frame))
