"""Tracks as people bring them, read by the command line: each row of the list of cases.

What needs Blender (keys, rotation modes, the NLA, linked rigs) is in
tests/blender/scene/test_tracks_as_people_bring_them.py.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.__main__ import main
from shared.errors import AvatarError
from shared.flame import Track
from shared.tracks import FORMATS, read
from tests.fakes import arkit_files, tracker_files

Convert = Callable[..., dict[str, Any]]


@pytest.fixture
def convert(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Convert:
    """`convert-tracks FILE --out ...`: its answer and the track, or with `code=1` its error."""

    def converted(path: Path, *options: str, code: int = 0) -> dict[str, Any]:
        out = tmp_path / "out" / "track.flame.npz"
        capfd.readouterr()
        done = main(["convert-tracks", str(path), "--out", str(out), "--json", *options])
        told = capfd.readouterr()
        assert done == code, told.err
        if code:
            assert not out.exists()
            return {"error": told.err}
        return {**json.loads(told.out), "read": Track.load(out)}

    return converted


@pytest.mark.parametrize("case", arkit_files.SAME)
def test_arkit_weights_are_the_same_track_however_they_are_written(
    case: str, tmp_path: Path, convert: Convert
) -> None:
    track = convert(arkit_files.SAME[case](tmp_path))["read"]
    assert track.fps == pytest.approx(arkit_files.FPS)
    assert track.head == "open"
    np.testing.assert_allclose(track.expression[:, :52], arkit_files.W, atol=2e-6)


def test_frames_without_a_face_are_bridged_and_counted(tmp_path: Path, convert: Convert) -> None:
    found = convert(arkit_files.with_nulls(tmp_path))
    np.testing.assert_allclose(found["read"].expression[:, :52], arkit_files.bridged(), atol=1e-6)
    assert "5 frames without a face bridged (0, 5-6, 13, 19, counted from 0)." in found["notes"]


def test_weights_in_per_cent_are_scaled_and_said(tmp_path: Path, convert: Convert) -> None:
    notes = convert(arkit_files.SAME["per cent"](tmp_path))["notes"]
    assert any("in per cent" in note and "divided by 100" in note for note in notes)


def test_weights_beyond_per_cent_are_refused(tmp_path: Path, convert: Convert) -> None:
    path = arkit_files.written(tmp_path / "a.json", arkit_files.content(arkit_files.W * 1000))
    assert "expected weights of 0 to 1 (or per cent)" in convert(path, code=1)["error"]


def test_times_in_milliseconds_are_noticed_and_said(tmp_path: Path, convert: Convert) -> None:
    found = convert(arkit_files.SAME["milliseconds"](tmp_path))
    assert len(found["read"]) == arkit_files.T
    assert "Times are in milliseconds." in found["notes"]


@pytest.mark.parametrize("fps", [arkit_files.FPS, None])
def test_a_gap_in_time_stays_a_gap(fps: float | None, tmp_path: Path, convert: Convert) -> None:
    found = convert(arkit_files.with_gap(tmp_path, fps))
    track, jaw = found["read"], arkit_files.NAMES.index("jawOpen")
    assert track.expression[:, jaw].argmax() / track.fps == pytest.approx(arkit_files.GAP_PEAK_S)
    assert track.expression[:, jaw].max() == pytest.approx(1)
    assert any("uneven (1 gap)" in note for note in found["notes"])


@pytest.mark.parametrize(("unit", "factor"), [("radians", 1.0), ("degrees", 180 / np.pi)])
def test_head_angles_of_live_link_turn_the_neck_in_either_unit(
    unit: str, factor: float, tmp_path: Path, convert: Convert
) -> None:
    angles = np.array([0.3, -0.2, 0.1, 0.05, 0, 0, 0.05, 0, 0]) * factor
    path = arkit_files.written(tmp_path / "a.csv", arkit_files.csv(angles=angles))
    guessed, told = convert(path), convert(path, "--angles", unit)
    for found in (guessed, told):
        neck = found["read"].neck_pose[3]
        assert neck == pytest.approx([-0.2, 0.3, 0.1], abs=0.04)  # pitch, yaw, roll; order apart
    assert any(f"taken for {unit}" in note for note in guessed["notes"])
    assert not any("taken for" in note for note in told["notes"])


def test_eyes_are_not_turned_twice(tmp_path: Path, convert: Convert) -> None:
    angles = [0, 0, 0, 0.2, 0, 0, 0.2, 0, 0]
    both = arkit_files.written(tmp_path / "a.csv", arkit_files.csv(angles=angles))
    found = convert(both)
    assert not found["read"].leye_pose.any()
    assert any("eyeLook weights turn the eyes already" in note for note in found["notes"])
    calm = arkit_files.W.copy()
    calm[:, [i for i, n in enumerate(arkit_files.NAMES) if n.startswith("eyeLook")]] = 0
    alone = arkit_files.written(tmp_path / "b.csv", arkit_files.csv(rows=calm, angles=angles))
    assert convert(alone)["read"].leye_pose[0] == pytest.approx([0, 0.2, 0], abs=1e-6)


@pytest.mark.parametrize("title", tracker_files.TRACKERS)
def test_files_of_flame_trackers_are_read(title: str, tmp_path: Path, convert: Convert) -> None:
    tracker, m = tracker_files.TRACKERS[title], tracker_files.motion()
    found = convert(tracker.write(tmp_path, m))
    assert (found["format"], found["head"], found["fps"]) == (title, tracker.head, tracker.fps)
    codes = found["read"].expression
    size = {"SMIRK": 50, "DECA, EMOCA": 50, "CAP4D": 65}.get(title, 100)
    np.testing.assert_allclose(codes[:, :size], m["exp"][:, :size], atol=1e-6)
    assert not codes[:, size:].any()


def test_an_unknown_file_is_one_error_that_lists_what_is_read(
    tmp_path: Path, convert: Convert
) -> None:
    path = tmp_path / "motion.npz"
    np.savez(path, trans=np.zeros((5, 3)), poses=np.zeros((5, 156)))
    error = convert(path, code=1)["error"]
    assert "motion.npz is not a track that SplitAvatar reads (it holds trans, poses)." in error
    for kind in FORMATS:
        assert kind.title in error


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rotation": np.zeros((5, 4))}, "'rotation': found shape (5, 4), expected shape (fr"),
        ({"jaw_pose": np.zeros((3, 3))}, "'jaw_pose': found 3 frames, expected 6"),
        ({"expr": np.full((6, 100), np.nan)}, "'expr': found NaN or infinity, expected finite"),
        ({"shape": np.zeros(301)}, "'shape': found shape (301,), expected shape (frames, "),
    ],
)
def test_a_malformed_file_names_file_key_found_and_expected(
    change: dict[str, np.ndarray], text: str, tmp_path: Path, convert: Convert
) -> None:
    path = tracker_files.vhap(tmp_path, tracker_files.motion())
    with np.load(path) as stored:
        arrays = {**stored, **change}
    np.savez(path, **arrays)
    assert f"{path.name}, key {text}" in convert(path, code=1)["error"]


def test_numbers_that_no_float_holds_are_refused(tmp_path: Path) -> None:
    stored = arkit_files.content(arkit_files.W.tolist())
    stored["frames"][3]["weights"][5] = 10**400
    path = arkit_files.written(tmp_path / "a.json", stored)
    with pytest.raises(AvatarError, match=r"a\.json") as caught:
        read(path)
    assert caught.value.code == "bad_file"
    stored = arkit_files.content()
    stored["frames"][3]["time"] = 10**400  # as any other time that is none: the rate counts
    track = read(arkit_files.written(tmp_path / "a.json", stored))
    assert (len(track), track.fps) == (arkit_files.T, arkit_files.FPS)


def test_a_damaged_track_of_ours_is_closed_again(tmp_path: Path) -> None:
    """An open file cannot be replaced on Windows; here an unclosed one is a warning."""
    Track.neutral(2).save(tmp_path / "a.flame.npz")
    content = (tmp_path / "a.flame.npz").read_bytes()
    (tmp_path / "a.flame.npz").write_bytes(content[:-30])
    with pytest.raises(AvatarError):
        Track.load(tmp_path / "a.flame.npz")
    gc.collect()
