"""Blender's cameras and the backend's are the same."""

import bpy
import numpy as np
import pytest

from blender_addon.scene import cameras, rig
from shared.camera import portrait_intrinsics


def test_the_portrait_camera_in_blender_is_the_fitted_one(
    live_rig: bpy.types.Object,
) -> None:
    live_rig.location = (1, 2, 3)
    live_rig.rotation_euler = (0.1, 0.2, 0.3)
    live_rig.scale = (2, 2, 2)
    bpy.context.view_layer.update()
    bpy.ops.splitavatar.add_camera()
    scene = bpy.context.scene
    assert scene.camera.data.lens == pytest.approx(216)
    found = cameras.scene_camera(scene, live_rig, bpy.context.evaluated_depsgraph_get())
    wanted = cameras.portrait_camera(live_rig)
    points = np.random.default_rng(0).normal(0, 0.1, (20, 3))
    np.testing.assert_allclose(found.project(points), wanted.project(points), atol=0.02)
    np.testing.assert_allclose(found.viewmat, wanted.viewmat, atol=1e-5)
    np.testing.assert_allclose(found.K, portrait_intrinsics(512), rtol=1e-6)


def test_a_scene_camera_projects_as_blender_does(live_rig: bpy.types.Object) -> None:
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    scene = bpy.context.scene
    data = bpy.data.cameras.new("Lens")
    data.lens, data.shift_x, data.shift_y = 85, 0.1, -0.05
    placed = bpy.data.objects.new("Lens", data)
    scene.collection.objects.link(placed)
    placed.location, placed.rotation_euler = (0.3, -1.2, 0.2), (1.4, 0.05, 0.2)
    scene.camera = placed
    scene.render.resolution_x, scene.render.resolution_y = 640, 360
    scene.render.resolution_percentage = 50
    live_rig.location = (0.05, 0.1, -0.02)
    bpy.context.view_layer.update()
    found = cameras.scene_camera(scene, live_rig, bpy.context.evaluated_depsgraph_get())
    assert (found.width, found.height) == (320, 180)
    points = np.random.default_rng(0).normal(0, 0.1, (20, 3))
    for point in points:
        world = live_rig.matrix_world @ Vector(rig.to_blender(point[None])[0])
        x, y, _ = world_to_camera_view(scene, placed, world)
        pixel = np.array([x * 320, (1 - y) * 180])
        np.testing.assert_allclose(found.project(point), pixel, atol=0.01)
