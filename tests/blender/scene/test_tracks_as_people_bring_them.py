"""Tracks as people bring them onto rigs as people leave them: the list of cases, in Blender."""

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler

from blender_addon.operators.track import TRACK_FILTER
from blender_addon.scene import actions, flame_pose, rig, tracks
from blender_addon.ui.drops import SPLITAVATAR_FH_track
from blender_addon.work import translate
from shared.flame import Track
from shared.tracks import EXTENSIONS, FORMATS, ReadTrack
from tests.fakes import arkit_files

Evaluated = Callable[[], bpy.types.Depsgraph]


def imported(path: Path, **options: object) -> None:
    assert bpy.ops.splitavatar.import_track(filepath=str(path), **options) == {"FINISHED"}


def keys(owner: bpy.types.ID, path: str, index: int = 0) -> np.ndarray:
    """[N, 2] frames and values of one curve."""
    curve = next(c for c in actions.curves(owner) if (c.data_path, c.array_index) == (path, index))
    return np.array([point.co[:] for point in curve.keyframe_points])


@pytest.mark.parametrize("case", arkit_files.SAME)
def test_arkit_weights_are_keyed_however_they_are_written(
    case: str, avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    imported(arkit_files.SAME[case](tmp_path), frame_start=1)
    for name, column in (("jawOpen", 24), ("mouthSmileLeft", 43)):
        curve = keys(avatar_rig, f'["{name}"]')
        np.testing.assert_allclose(curve[:, 0], np.arange(1, arkit_files.T + 1), atol=1e-4)
        np.testing.assert_allclose(curve[:, 1], arkit_files.W[:, column], atol=3e-6)


@pytest.mark.parametrize("whole_frames", [True, False])
def test_keys_follow_time_over_a_gap(
    whole_frames: bool, avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    imported(arkit_files.with_gap(tmp_path), frame_start=1, whole_frames=whole_frames)
    curve = keys(avatar_rig, '["jawOpen"]')
    peak = curve[curve[:, 1].argmax(), 0]
    assert peak == pytest.approx(1 + arkit_files.GAP_PEAK_S * 24, abs=1e-3)


def test_milliseconds_do_not_make_thousands_of_keys(
    avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    imported(arkit_files.SAME["milliseconds without a rate"](tmp_path))
    assert set(actions.curve_values(avatar_rig).values()) == {arkit_files.T}


@pytest.mark.parametrize("mode", ["XYZ", "ZYX", "AXIS_ANGLE", "QUATERNION"])
def test_keys_go_into_the_bone_s_own_rotation_mode(
    mode: str, avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    bpy.context.scene.render.fps = 25
    time = np.linspace(-0.5, 0.5, 31)[:, None]  # through zero, and past half a turn
    turns = time * [[0.3, 0.2, 8.0]]
    neck = avatar_rig.pose.bones["neck"]
    neck.rotation_mode = mode
    tracks.insert(avatar_rig, Track.neutral(31, neck_pose=turns, fps=25), "Nod", 1, 25)
    assert neck.rotation_mode == mode
    for frame in range(31):
        bpy.context.scene.frame_set(1 + frame)
        found = rig.read_frame(avatar_rig, evaluated()).neck_pose[0]
        same = flame_pose.rotation_matrix(found) - flame_pose.rotation_matrix(turns[frame])
        np.testing.assert_allclose(same, 0, atol=3e-6)
    kind = {"QUATERNION": "quaternion", "AXIS_ANGLE": "axis_angle"}.get(mode, "euler")
    path = f'pose.bones["neck"].rotation_{kind}'
    curves = [keys(avatar_rig, path, i)[:, 1] for i in range(3 + (kind != "euler"))]
    assert np.abs(np.diff(curves)).max() < 0.5  # no jump between two frames


def test_an_action_keyed_in_euler_angles_plays_as_before_an_import(
    avatar_rig: bpy.types.Object, evaluated: Evaluated, tmp_path: Path
) -> None:
    neck = avatar_rig.pose.bones["neck"]
    neck.rotation_mode = "XYZ"
    neck.rotation_euler = Euler((0, np.radians(20), 0))
    neck.keyframe_insert("rotation_euler", frame=10)
    before, slot = (
        avatar_rig.animation_data.action,
        getattr(avatar_rig.animation_data, "action_slot", None),
    )
    imported(arkit_files.SAME["eyeBlink_L"](tmp_path))
    data = avatar_rig.animation_data
    assert data.action != before
    data.action = before
    if slot is not None:
        data.action_slot = slot
    bpy.context.scene.frame_set(10)
    turned = rig.read_frame(avatar_rig, evaluated()).neck_pose[0]
    np.testing.assert_allclose(turned, [0, np.radians(20), 0], atol=1e-6)


def test_tweaking_a_strip_ends_and_is_said(
    avatar_rig: bpy.types.Object, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old = tracks.insert(avatar_rig, Track.neutral(5, fps=24), "Old")
    data = avatar_rig.animation_data
    strip = data.nla_tracks.new().strips.new("Old", 1, old)
    if hasattr(strip, "action_slot"):
        strip.action_slot = old.slots[0]
    data.action = None
    strip.select = True
    data.nla_tracks[0].select = data.nla_tracks[0].lock = False
    data.nla_tracks.active = data.nla_tracks[0]
    data.use_tweak_mode = True
    assert data.use_tweak_mode
    imported(arkit_files.SAME["per cent"](tmp_path))
    assert not data.use_tweak_mode
    assert data.action is not None
    assert data.action.name == "a"
    assert len(keys(avatar_rig, '["jawOpen"]')) == arkit_files.T
    assert all(action.users for action in bpy.data.actions)
    assert "Tweaking of the NLA strip has ended." in capfd.readouterr().out


def linked(avatar: bpy.types.Object, folder: Path) -> bpy.types.Object:
    """The rig linked from a file into an empty one."""
    library, name = folder / "library.blend", avatar.name
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(library), link=True) as (source, wanted):
        wanted.objects = [n for n in source.objects if n.startswith(name)]
    found = bpy.data.objects[name]
    for part in bpy.data.objects:
        bpy.context.collection.objects.link(part)
    bpy.context.view_layer.objects.active = found
    return found


def test_a_linked_rig_is_refused_with_the_ways(
    avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    found = linked(avatar_rig, tmp_path)
    path = arkit_files.SAME["eyeBlink_L"](tmp_path)
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.splitavatar.import_track(filepath=str(path))
    assert "is linked from library.blend: what is set or keyed on it would be lost" in str(
        caught.value
    )
    assert "Make a library override" in str(caught.value)
    assert "append the rig" in str(caught.value)
    assert not bpy.data.actions
    assert found.animation_data is None


def test_a_library_override_of_a_linked_rig_keeps_its_keys(
    avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    found = linked(avatar_rig, tmp_path)
    own = found.override_create(remap_local_usages=True)
    own.name = "Mine"
    bpy.context.view_layer.objects.active = own
    imported(arkit_files.SAME["eyeBlink_L"](tmp_path))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "mine.blend"))
    again = bpy.data.objects["Mine"]
    assert len(keys(again, '["jawOpen"]')) == arkit_files.T


def _vhap(folder: Path, expression: float) -> Path:
    rng = np.random.default_rng(5)
    turns = {name: rng.uniform(-0.3, 0.3, (6, 3)) for name in ("rotation", "neck_pose")}
    jaw = np.tile([0.2, 0.0, 0.0], (6, 1))
    path = folder / "tracked_flame_params_30.npz"
    np.savez(
        path, **turns, jaw_pose=jaw, translation=rng.uniform(-0.1, 0.1, (6, 3)),  # pyright: ignore[reportArgumentType]
        eyes_pose=np.zeros((6, 6)), shape=np.zeros(300), expr=np.full((6, 100), expression),
        static_offset=np.zeros((1, 5143, 3)),
    )  # fmt: skip
    return path


def test_a_track_of_vhap_moves_head_neck_and_jaw_and_says_what_is_left_out(
    avatar_rig: bpy.types.Object, evaluated: Evaluated, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    bpy.context.scene.render.fps = 25
    path = _vhap(tmp_path, expression=0.7)
    imported(path, frame_start=1)
    assert "the expression codes of flame2023 are left out" in capfd.readouterr().out
    with np.load(path) as stored:
        for frame in range(6):
            bpy.context.scene.frame_set(1 + frame)
            found = rig.read_frame(avatar_rig, evaluated())
            for ours, theirs in (
                ("global_orient", "rotation"), ("neck_pose", "neck_pose"),
                ("jaw_pose", "jaw_pose"), ("transl", "translation"),
            ):  # fmt: skip
                wanted = stored[theirs][frame]
                np.testing.assert_allclose(getattr(found, ours)[0], wanted, atol=3e-6)


def test_a_running_backend_with_flame_s_file_translates_the_codes(
    avatar_rig: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    weights = np.random.default_rng(6).uniform(0, 1, (6, 52))
    asked = []

    def translated(head: str, expression: np.ndarray) -> np.ndarray:
        asked.append((head, expression.shape))
        return weights

    monkeypatch.setattr(translate, "arkit_weights", translated)
    bpy.context.scene.render.fps = 25
    imported(_vhap(tmp_path, expression=0.7), frame_start=1)
    assert asked == [("flame2023", (6, 100))]
    np.testing.assert_allclose(keys(avatar_rig, '["jawOpen"]')[:, 1], weights[:, 24], atol=1e-6)
    assert "left out" not in capfd.readouterr().out


def test_head_motion_about_the_origin_is_exact_on_any_rig(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    angle = 0.4
    moved = np.tile(np.eye(4), (2, 1, 1))
    moved[1, :3, :3] = np.array(Euler((0, angle, 0)).to_matrix())
    moved[1, :3, 3] = [0.01, 0.02, -0.03]
    track = ReadTrack.neutral(2, fps=24, moved=moved)
    tracks.insert(avatar_rig, track, "Turn", start_frame=1, scene_fps=24)
    bpy.context.scene.frame_set(2)
    found = rig.read_frame(avatar_rig, evaluated())
    joint = rig.joints(avatar_rig)[0]
    point = np.array([0.03, 0.05, 0.1])
    turned = moved[1, :3, :3] @ (point - joint) + joint + found.transl[0]
    np.testing.assert_allclose(turned, moved[1, :3, :3] @ point + moved[1, :3, 3], atol=1e-6)
    np.testing.assert_allclose(found.global_orient[0], [0, angle, 0], atol=1e-6)


def test_the_file_browser_and_the_drop_offer_every_ending_that_is_read() -> None:
    read = {end for kind in FORMATS for end in kind.extensions}
    assert read == set(EXTENSIONS)
    assert {f"*{end}" for end in EXTENSIONS} == set(TRACK_FILTER.split(";"))
    assert set(SPLITAVATAR_FH_track.bl_file_extensions.split(";")) == set(EXTENSIONS)


def test_the_user_s_rate_counts(avatar_rig: bpy.types.Object, tmp_path: Path) -> None:
    imported(arkit_files.SAME["weights by name"](tmp_path), frame_start=1, fps=12)
    assert len(keys(avatar_rig, '["jawOpen"]')) == 2 * arkit_files.T - 1
