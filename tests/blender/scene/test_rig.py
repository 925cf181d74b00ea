"""Rig -> parameters -> vertices is what the backend computes."""

from collections.abc import Callable

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix

from blender_addon.scene import actions, flame_pose, rig
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES
from tests.blender.posed_head import flame_vertices, random_frame

Evaluated = Callable[[], bpy.types.Depsgraph]


def _mesh_vertices(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """[V, 3] of the evaluated head mesh, head space."""
    armature.splitavatar.display = "MESH"
    depsgraph.update()
    mesh = armature.splitavatar.head.evaluated_get(depsgraph).data
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3) @ rig.TO_BLENDER


@pytest.mark.parametrize("seed", range(4))
def test_the_rig_reads_back_the_parameters_it_was_posed_with(
    avatar_rig: bpy.types.Object, evaluated: Evaluated, seed: int
) -> None:
    frame = random_frame(seed)
    rig.apply_frame(avatar_rig, frame)
    found = rig.read_frame(avatar_rig, evaluated())
    for name, array in frame.to_arrays().items():
        np.testing.assert_allclose(getattr(found, name), array, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("seed", range(4))
def test_the_head_mesh_equals_flame_to_a_hundredth_of_a_millimetre(
    avatar_rig: bpy.types.Object,
    rig_data: dict[str, np.ndarray],
    evaluated: Evaluated,
    seed: int,
) -> None:
    rig.apply_frame(avatar_rig, random_frame(seed))
    mesh = _mesh_vertices(avatar_rig, evaluated())
    read = rig.read_frame(avatar_rig, evaluated())
    np.testing.assert_allclose(mesh, flame_vertices(rig_data, read), atol=1e-5)
    np.testing.assert_allclose(mesh, flame_vertices(rig_data, random_frame(seed)), atol=1e-5)


def test_a_jaw_bone_turned_about_its_x_opens_the_mouth(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    bone = avatar_rig.pose.bones["jaw"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.3, 0, 0)
    found = rig.read_frame(avatar_rig, evaluated())
    np.testing.assert_allclose(found.jaw_pose[0], [0.3, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found.neck_pose, 0, atol=1e-6)


def test_keyframes_are_read_at_every_frame(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    scene = bpy.context.scene
    for frame, value in ((1, 0.0), (11, 1.0)):
        avatar_rig["jawOpen"] = value
        avatar_rig.keyframe_insert('["jawOpen"]', frame=frame)
    for curve in actions.curves(avatar_rig):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    for number in (1, 6, 11, 3):
        scene.frame_set(number)
        found = rig.read_frame(avatar_rig, evaluated()).expression[0]
        assert found[ARKIT_NAMES.index("jawOpen")] == pytest.approx((number - 1) / 10, abs=1e-6)


def test_drivers_on_controls_count(avatar_rig: bpy.types.Object, evaluated: Evaluated) -> None:
    other = bpy.data.objects.new("Dial", None)
    bpy.context.scene.collection.objects.link(other)
    driver = avatar_rig.driver_add('["mouthPucker"]').driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.type = "TRANSFORMS"
    variable.targets[0].id = other
    other.location.x = 0.75
    found = rig.read_frame(avatar_rig, evaluated()).expression[0]
    assert found[ARKIT_NAMES.index("mouthPucker")] == pytest.approx(0.75)


def test_constraints_on_bones_count(avatar_rig: bpy.types.Object, evaluated: Evaluated) -> None:
    bone = avatar_rig.pose.bones["neck"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0, 0, 0.5)
    limit = bone.constraints.new("LIMIT_ROTATION")
    limit.owner_space = "LOCAL"
    limit.use_limit_z = True
    limit.max_z = 0.3
    found = rig.read_frame(avatar_rig, evaluated())
    np.testing.assert_allclose(found.neck_pose[0], [0, 0, 0.3], atol=1e-6)


def test_the_nla_counts(avatar_rig: bpy.types.Object, evaluated: Evaluated) -> None:
    for frame, value in ((1, 0.2), (5, 0.6)):
        avatar_rig["eyeBlinkLeft"] = value
        avatar_rig.keyframe_insert('["eyeBlinkLeft"]', frame=frame)
    data = avatar_rig.animation_data
    strip = data.nla_tracks.new().strips.new("Blink", 21, data.action)
    data.action = None
    avatar_rig["eyeBlinkLeft"] = 0.0
    assert strip.frame_start == 21
    bpy.context.scene.frame_set(25)
    found = rig.read_frame(avatar_rig, evaluated()).expression[0]
    assert found[ARKIT_NAMES.index("eyeBlinkLeft")] == pytest.approx(0.6, abs=1e-6)


def test_a_moved_and_scaled_rig_object_does_not_change_the_parameters(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    frame = random_frame(5)
    rig.apply_frame(avatar_rig, frame)
    avatar_rig.matrix_world = Matrix.LocRotScale((1, 2, 3), Euler((1, 2, 3)), (2, 2, 2))
    found = rig.read_frame(avatar_rig, evaluated())
    np.testing.assert_allclose(found.transl, frame.transl, atol=1e-5)
    np.testing.assert_allclose(found.global_orient, frame.global_orient, atol=1e-5)


def test_a_hidden_rig_is_still_evaluated(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    avatar_rig.keyframe_insert('["jawOpen"]', frame=1)
    avatar_rig["jawOpen"] = 1.0
    avatar_rig.keyframe_insert('["jawOpen"]', frame=2)
    avatar_rig.hide_set(True)
    bpy.context.scene.frame_set(2)
    found = rig.read_frame(avatar_rig, evaluated()).expression[0]
    assert found[ARKIT_NAMES.index("jawOpen")] == 1.0


def test_parameters_of_bones_are_the_inverse_of_bones_of_parameters() -> None:
    rng = np.random.default_rng(3)
    joints = rng.normal(0, 0.1, (5, 3))
    for seed in range(20):
        frame = random_frame(seed)
        given = {k: v[0].astype(np.float64) for k, v in frame.to_arrays().items()}
        given.pop("expression")
        found = flame_pose.parameters(flame_pose.deforms(given, joints), joints)
        for name, value in given.items():
            np.testing.assert_allclose(found[name], value, atol=1e-9, err_msg=name)


def test_half_turns_and_tiny_turns_keep_their_precision() -> None:
    for angle in (1e-9, 1e-4, np.pi / 2, np.pi - 1e-6, np.pi):
        vector = np.array([0.6, -0.8, 0.0]) * angle
        found = flame_pose.axis_angle(flame_pose.rotation_matrix(vector))
        sign = np.sign(found @ vector) or 1.0
        np.testing.assert_allclose(sign * found, vector, atol=1e-9)


def test_a_neck_bone_that_is_moved_moves_the_whole_head(
    avatar_rig: bpy.types.Object, rig_data: dict[str, np.ndarray], evaluated: Evaluated
) -> None:
    rig.apply_frame(avatar_rig, random_frame(8))
    avatar_rig.pose.bones["neck"].location = (0.02, -0.01, 0.03)
    mesh = _mesh_vertices(avatar_rig, evaluated())
    found = rig.read_frame(avatar_rig, evaluated())
    np.testing.assert_allclose(mesh, flame_vertices(rig_data, found), atol=1e-5)


def test_a_rig_without_its_bones_says_which_are_missing(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    avatar_rig.data.bones["jaw"].name = "chin"
    with pytest.raises(AvatarError, match="'Ada' lacks jaw") as caught:
        rig.read_frame(avatar_rig, evaluated())
    assert caught.value.code == "bad_request"


def test_every_control_has_a_description_and_a_range(avatar_rig: bpy.types.Object) -> None:
    for name in ARKIT_NAMES:
        settings = avatar_rig.id_properties_ui(name).as_dict()
        assert settings["description"], name
        assert (settings["soft_min"], settings["soft_max"]) == (0.0, 1.0)
