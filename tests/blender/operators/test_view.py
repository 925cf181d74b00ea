"""The previewed frame."""

from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.scene import preview
from blender_addon.work import session


def test_preview_frame_becomes_an_image_of_the_scene_cameras_size(
    live_rig: bpy.types.Object,
) -> None:
    bpy.ops.splitavatar.add_camera()
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 96, 48
    bpy.ops.splitavatar.preview_frame()
    shown = preview.image()
    assert shown is not None
    assert tuple(shown.size) == (96, 48)
    rgba = session.get().result.rgba
    pixels = np.array(shown.pixels[:]).reshape(48, 96, 4)[::-1]
    np.testing.assert_allclose(pixels, rgba / 255, atol=1 / 255)
    bpy.ops.splitavatar.clear_preview()
    assert preview.image() is None


def test_an_orthographic_camera_is_refused(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    bpy.ops.splitavatar.add_camera()
    bpy.context.scene.camera.data.type = "ORTHO"
    with pytest.raises(RuntimeError, match=r"is ortho\. Set its type to Perspective\."):
        bpy.ops.splitavatar.preview_frame()


def test_a_second_click_uses_the_camera_that_is_there(live_rig: bpy.types.Object) -> None:
    scene = bpy.context.scene
    bpy.ops.splitavatar.add_camera()
    first = scene.camera
    scene.camera = None
    first.name = "Mine"
    bpy.ops.splitavatar.add_camera()
    assert scene.camera is first
    assert [found for found in scene.objects if found.type == "CAMERA"] == [first]
    bpy.data.objects.remove(first)
    bpy.ops.splitavatar.add_camera()
    assert len([found for found in scene.objects if found.type == "CAMERA"]) == 1
