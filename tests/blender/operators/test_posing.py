"""Expressions to begin from."""

import bpy
import numpy as np
import pytest
from mathutils import Quaternion

from blender_addon.scene import controls
from shared.flame import ARKIT_NAMES, Track
from tests.blender.seen import direct, positions


def test_every_expression_names_controls_that_exist_and_keeps_their_range() -> None:
    for title, weights in controls.EXPRESSIONS.items():
        assert set(weights) <= set(ARKIT_NAMES), title
        assert all(0 < value <= 1 for value in weights.values()), title


def test_an_expression_replaces_the_one_before(avatar_rig: bpy.types.Object) -> None:
    bpy.ops.splitavatar.set_expression(expression="SURPRISED")
    bpy.ops.splitavatar.set_expression(expression="EYES_CLOSED")
    set_ = {name: avatar_rig[name] for name in ARKIT_NAMES if avatar_rig[name]}
    assert set_ == {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}


def test_bones_keep_their_pose(avatar_rig: bpy.types.Object) -> None:
    avatar_rig.pose.bones["jaw"].rotation_quaternion = Quaternion((0.99, 0.14, 0, 0))
    before = avatar_rig.pose.bones["jaw"].rotation_quaternion.copy()
    bpy.ops.splitavatar.set_expression(expression="SMILE")
    assert avatar_rig.pose.bones["jaw"].rotation_quaternion == before


def test_with_auto_keying_what_changes_is_keyed(avatar_rig: bpy.types.Object) -> None:
    tools = bpy.context.scene.tool_settings
    tools.use_keyframe_insert_auto = True
    try:
        bpy.ops.splitavatar.set_expression(expression="WINK")
    finally:
        tools.use_keyframe_insert_auto = False
    bpy.context.scene.frame_set(10)
    avatar_rig["eyeBlinkLeft"] = 0.0
    bpy.context.scene.frame_set(11)
    assert avatar_rig["eyeBlinkLeft"] == pytest.approx(1.0)


def test_the_splats_show_the_expression(live_rig: bpy.types.Object) -> None:
    bpy.ops.splitavatar.set_expression(expression="SMILE")
    bpy.ops.splitavatar.update_splats()
    wanted = direct(live_rig, Track.from_arkit(controls.EXPRESSIONS["Smile"]))
    np.testing.assert_allclose(positions(live_rig), wanted, atol=1e-6)
