"""Tracks from files become keyframes, and read back as what the file holds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion

from blender_addon.scene import actions, rig, tracks
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, Track

Evaluated = Callable[[], bpy.types.Depsgraph]


def _arkit(count: int = 5, fps: float | None = 24.0, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    names = [str(name) for name in rng.permutation(ARKIT_NAMES)]
    content: dict[str, Any] = {
        "names": names,
        "frames": [
            {"weights": rng.uniform(0, 1, 52).tolist(), "time": i / 24, "rotation": []}
            for i in range(count)
        ],
    }
    if fps is not None:
        content["metadata"] = {"fps": fps}
    return {**content, **changes}


def _write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _moving_track(length: int, fps: float) -> Track:
    """Motion with turns beyond 180 degrees, where a careless quaternion would flip."""
    time = np.linspace(0, 1, length)[:, None]
    expression = np.zeros((length, 100))
    expression[:, :52] = 0.5 + 0.5 * np.sin(6 * time + np.arange(52))
    return Track.neutral(
        length,
        expression=expression,
        global_orient=time * [[0, 4.0, 0]],
        neck_pose=np.sin(5 * time) * [[0.1, 0.5, 0.2]],
        jaw_pose=np.abs(np.sin(9 * time)) * [[0.4, 0, 0]],
        leye_pose=time * [[0.1, -0.2, 0]],
        reye_pose=time * [[0.1, 0.3, 0]],
        transl=np.cos(time * 3) * [[0.01, 0.02, -0.03]],
        fps=fps,
    )


def _assert_same_pose(found: Track, wanted: Track, atol: float) -> None:
    """Parameters are equal; rotations as rotations, since an axis-angle has many names."""
    np.testing.assert_allclose(found.expression, wanted.expression, atol=atol)
    np.testing.assert_allclose(found.transl, wanted.transl, atol=atol)
    for name in ("global_orient", "neck_pose", "jaw_pose", "leye_pose", "reye_pose"):
        for a, b in zip(getattr(found, name), getattr(wanted, name), strict=True):
            np.testing.assert_allclose(_matrix(a), _matrix(b), atol=atol, err_msg=name)


def _matrix(vector: np.ndarray) -> np.ndarray:
    angle = float(np.linalg.norm(vector))
    return np.array(Matrix.Rotation(angle, 3, (vector / angle).tolist()) if angle else np.eye(3))


def test_a_flame_track_reads_back_exactly_at_every_frame(
    avatar_rig: bpy.types.Object, evaluated: Evaluated, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    scene.render.fps = 25
    track = _moving_track(20, 25.0)
    track.save(tmp_path / "dance.flame.npz")
    assert bpy.ops.splitavatar.import_track(
        filepath=str(tmp_path / "dance.flame.npz"), frame_start=101, set_range=True
    ) == {"FINISHED"}
    assert (scene.frame_start, scene.frame_end) == (101, 120)
    for index in (0, 7, 19, 3):
        scene.frame_set(101 + index)
        found = rig.read_frame(avatar_rig, evaluated())
        _assert_same_pose(found, track.frame(index), atol=2e-6)


def test_a_track_that_outlasts_the_scene_says_so_and_leaves_it_as_long(
    avatar_rig: bpy.types.Object, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 25, 110
    _moving_track(20, 25.0).save(tmp_path / "dance.flame.npz")
    load = {"filepath": str(tmp_path / "dance.flame.npz"), "set_range": False}
    bpy.ops.splitavatar.import_track(**load, frame_start=101)
    assert "goes on to frame 120, the scene ends at 110" in capfd.readouterr().out
    assert scene.frame_end == 110
    bpy.ops.splitavatar.import_track(**load, frame_start=91)
    assert "goes on" not in capfd.readouterr().out


def test_an_arkit_json_reads_back_by_name_whatever_its_order(
    avatar_rig: bpy.types.Object, evaluated: Evaluated, tmp_path: Path
) -> None:
    content = _arkit()
    bpy.ops.splitavatar.import_track(
        filepath=str(_write(tmp_path / "talk.json", content)), frame_start=1
    )
    for index, frame in enumerate(content["frames"]):
        bpy.context.scene.frame_set(1 + index)
        found = rig.read_frame(avatar_rig, evaluated()).expression[0]
        for name, value in zip(content["names"], frame["weights"], strict=True):
            assert found[ARKIT_NAMES.index(name)] == pytest.approx(value, abs=1e-6), name


def test_head_poses_of_an_arkit_json_turn_the_neck(tmp_path: Path) -> None:
    poses = [[0.1, 0.2, 0.0]] * 5
    track = tracks.read(_write(tmp_path / "a.json", _arkit(head_pose=poses)))
    np.testing.assert_allclose(track.neck_pose, poses, atol=1e-7)


def test_the_rate_of_an_arkit_json_without_metadata_comes_from_its_times(tmp_path: Path) -> None:
    track = tracks.read(_write(tmp_path / "a.json", _arkit(fps=None)))
    assert track.fps == pytest.approx(24)


def test_another_rate_is_resampled_to_whole_frames(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    track = _moving_track(31, 30.0)  # one second
    tracks.insert(avatar_rig, track, "Dance", start_frame=1, scene_fps=24)
    keys = set(actions.curve_values(avatar_rig).values())
    assert keys == {25}
    for frame, source in ((1, 0), (5, 5), (9, 10), (25, 30)):
        bpy.context.scene.frame_set(frame)
        found = rig.read_frame(avatar_rig, evaluated())
        _assert_same_pose(found, track.frame(source), atol=2e-6)


def test_without_resampling_keys_stand_where_the_source_frames_fall(
    avatar_rig: bpy.types.Object, evaluated: Evaluated
) -> None:
    track = _moving_track(31, 30.0)
    tracks.insert(avatar_rig, track, "Dance", start_frame=1, scene_fps=24, whole_frames=False)
    assert set(actions.curve_values(avatar_rig).values()) == {31}
    bpy.context.scene.frame_set(1, subframe=0.8)  # the second frame of the source
    _assert_same_pose(rig.read_frame(avatar_rig, evaluated()), track.frame(1), atol=1e-5)


def test_a_rotation_between_two_frames_is_on_their_arc() -> None:
    track = Track.neutral(2, neck_pose=np.array([[0, 0, 0], [0, 1.0, 0]]), fps=10)
    halves = tracks.resampled(track, 20).neck_pose
    np.testing.assert_allclose(halves, [[0, 0, 0], [0, 0.5, 0], [0, 1, 0]], atol=1e-7)
    middle = Quaternion((0, 1, 0), 0.0).slerp(Quaternion((0, 1, 0), 1.0), 0.5)
    assert middle.to_axis_angle()[1] == pytest.approx(halves[1, 1], abs=1e-6)


def test_the_action_before_stays_in_the_file(avatar_rig: bpy.types.Object) -> None:
    first = tracks.insert(avatar_rig, _moving_track(3, 24.0), "First")
    second = tracks.insert(avatar_rig, _moving_track(3, 24.0), "Second")
    assert avatar_rig.animation_data.action == second
    assert first.use_fake_user


def test_a_thousand_frames_are_keyed_within_a_second(
    avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    import time

    path = _write(tmp_path / "long.json", _arkit(973))
    started = time.perf_counter()
    tracks.insert(avatar_rig, tracks.read(path), "Long")
    assert time.perf_counter() - started < 5  # measured: 0.3 s


BROKEN = [
    (
        {"names": ["jawOpen", "earWiggle"]},
        "key 'names': found earWiggle, expected ARKit names such as jawOpen",
    ),
    ({"names": ["jawOpen"] * 2}, "key 'names': found jawOpen twice, expected each name once"),
    ({"frames": []}, "key 'frames': found no frame, expected at least one"),
    ({"frames": 3}, "key 'frames': found int, expected a list of objects"),
    (
        {"frames": [{"weights": [0.0] * 51}]},
        "key 'weights of frame 0': found 51 values, expected 52 numbers",
    ),
    (
        {"frames": [{"weights": [float("nan")] * 52}]},
        "key 'weights': found NaN or infinity, expected finite numbers",
    ),
    ({"head_pose": [[0, 0, 0]]}, "key 'head_pose': found 1 entries, expected one per frame, 5"),
    ({"metadata": {"fps": -3}}, "key 'metadata.fps': found -3, expected frames per second"),
]


@pytest.mark.parametrize(("changes", "text"), BROKEN)
def test_a_broken_arkit_json_names_the_key_what_was_found_and_what_was_expected(
    avatar_rig: bpy.types.Object, tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    path = _write(tmp_path / "broken.json", _arkit(**changes))
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.splitavatar.import_track(filepath=str(path))
    assert f"broken.json, {text}" in str(caught.value)
    assert "Correct the file or choose another." in str(caught.value)
    assert avatar_rig.animation_data is None


def test_a_file_that_is_no_json_or_no_npz_is_told_apart(
    avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_bytes(b"\x00\x01")
    (tmp_path / "a.npz").write_bytes(b"PK nonsense")
    for name, text in (("a.json", "is not readable JSON"), ("a.npz", "not a readable .flame.npz")):
        with pytest.raises(RuntimeError, match=text):
            bpy.ops.splitavatar.import_track(filepath=str(tmp_path / name))


def test_an_unknown_format_lists_the_formats_we_read(
    avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(RuntimeError, match=r"ARKit JSON \(\*\.json\) and \.flame\.npz \(\*\.npz\)"):
        bpy.ops.splitavatar.import_track(filepath=str(tmp_path / "a.csv"))


def test_codes_of_another_head_are_refused(tmp_path: Path) -> None:
    Track.neutral(2, head="flame2020").save(tmp_path / "a.npz")
    with pytest.raises(AvatarError, match="'flame2020'; the rig's head is 'open'") as caught:
        tracks.read(tmp_path / "a.npz")
    assert caught.value.code == "head_mismatch"
