"""What an avatar looks at."""

import bpy
import numpy as np
import pytest

from blender_addon.scene import gaze, rig


def turned(armature: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """[3] axis-angles of the left and the right eye."""
    frame = rig.read_frame(armature, rig.evaluate(bpy.context, armature))
    return frame.leye_pose[0], frame.reye_pose[0]


def test_eyes_follow_the_target_by_the_angle_it_is_seen_at(avatar_rig: bpy.types.Object) -> None:
    target = gaze.add_target(avatar_rig, bpy.context.collection)
    target.location.x += 0.2  # towards the subject's left, FLAME's +x
    target.location.z += 0.1
    for name, found in zip(gaze.EYES, turned(avatar_rig), strict=True):
        way = target.location - avatar_rig.data.bones[name].head_local
        ahead = np.array([way.x, way.z, -way.y])  # head space: +Z out of the face
        length = np.linalg.norm(found)
        axis = found / length
        looks = np.cos(length) * np.array([0, 0, 1.0]) + np.sin(length) * np.cross(axis, [0, 0, 1])
        np.testing.assert_allclose(looks, ahead / np.linalg.norm(ahead), atol=1e-4)


def test_a_new_target_lies_straight_ahead(avatar_rig: bpy.types.Object) -> None:
    gaze.add_target(avatar_rig, bpy.context.collection)
    for found in turned(avatar_rig):
        assert abs(found[0]) < 0.02


def test_a_turned_head_keeps_looking_at_its_target(avatar_rig: bpy.types.Object) -> None:
    gaze.add_target(avatar_rig, bpy.context.collection)
    neck = avatar_rig.pose.bones["neck"]
    neck.rotation_mode = "XYZ"
    neck.rotation_euler = (0.0, 0.3, 0.0)
    for found in turned(avatar_rig):
        assert found[1] == pytest.approx(-0.3, abs=0.12)


def test_one_target_is_enough(avatar_rig: bpy.types.Object) -> None:
    bpy.ops.splitavatar.add_gaze_target()
    bpy.context.view_layer.objects.active = avatar_rig
    bpy.ops.splitavatar.add_gaze_target()
    empties = [found for found in bpy.data.objects if found.type == "EMPTY"]
    assert empties == [gaze.target(avatar_rig)]
    assert bpy.context.active_object is empties[0]
    bpy.data.objects.remove(empties[0])
    for found in turned(avatar_rig):
        np.testing.assert_allclose(found, 0, atol=1e-6)
