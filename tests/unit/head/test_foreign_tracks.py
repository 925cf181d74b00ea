"""Tracks of other programs on our heads: exact on their own, translated on the open one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.head import Head, foreign_tracks, load_head
from backend.head.flame import FLAME_FILES
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES
from shared.tracks import read
from tests.fakes import arkit_files
from tests.fakes import tracker_files as files
from tests.fakes.flame_by_hand import BY_HAND
from tests.unit.head.flame_files import as_npz, small_flame

M = files.motion()
RIGID = [
    ("GAGAvatar_track", {}),
    ("metrical-tracker", {}),
    ("flame-head-tracker", {"neck": np.zeros((files.T, 3))}),
    ("Pixel3DMM", {"neck": np.zeros((files.T, 3))}),
]
"""Formats whose head motion is rigid, and what makes it so."""


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a FLAME file of 80 vertices, for both versions."""
    folder = tmp_path_factory.mktemp("assets")
    for name in ("flame2020", "flame2023"):
        path = folder / FLAME_FILES[name]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(as_npz(small_flame()))
    return folder


@pytest.fixture
def installed(assets: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(assets))
    return load_head("flame2020")


@pytest.fixture
def absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path / "nothing"))


@pytest.mark.parametrize(("title", "change"), RIGID)
def test_a_camera_s_motion_drives_the_head_to_the_vertices_worked_out_apart(
    title: str, change: dict[str, np.ndarray], installed: Head, tmp_path: Path
) -> None:
    m = {**M, "exp": M["exp"] * 0, **change}  # our head's motion is about the identity's joints
    path = files.TRACKERS[title].write(tmp_path, m)
    track, _ = foreign_tracks.load_track(path, "flame2020")
    still = installed.vertices_of(track).numpy()
    wanted = BY_HAND[title](small_flame(), m)
    for number in range(files.T):
        pose = installed.head_pose_of(track.frame(number)).numpy()
        found = still[number] @ pose[:3, :3].T + pose[:3, 3]
        np.testing.assert_allclose(found, wanted[number], rtol=0, atol=1e-5)


def test_codes_of_another_version_are_refused_with_the_way(installed: Head, tmp_path: Path) -> None:
    path = files.vhap(tmp_path, M)
    with pytest.raises(AvatarError, match="'flame2023'; the avatar's is 'flame2020'") as caught:
        foreign_tracks.load_track(path, "flame2020")
    assert caught.value.code == "head_mismatch"
    assert "--head flame2020" in caught.value.remedy


def test_arkit_weights_drive_every_head(installed: Head, tmp_path: Path) -> None:
    path = arkit_files.SAME["eyeBlink_L"](tmp_path)
    for codes in ("open", "flame2020"):
        track, _ = foreign_tracks.load_track(path, codes)
        assert track.head == "open"
    assert installed.translated(track).head == "flame2020"


def test_codes_that_are_arkit_units_come_back_as_these(installed: Head) -> None:
    assert installed.unit_codes is not None
    units = installed.unit_codes.numpy()[:, :100]
    weights = np.zeros((3, 52))
    for frame, name in enumerate(("mouthPucker", "browInnerUp", "cheekPuff")):
        weights[frame, ARKIT_NAMES.index(name)] = 0.8
    found = foreign_tracks.as_units(installed, weights @ units)
    np.testing.assert_allclose(found @ units, weights @ units, atol=0.02)
    assert found.min() >= 0


def test_codes_of_flame_move_the_open_head_by_flame_s_file(installed: Head, tmp_path: Path) -> None:
    track, notes = foreign_tracks.load_track(files.deca(tmp_path, M), "open")
    assert track.head == "open"
    assert track.betas is None
    np.testing.assert_allclose(track.jaw_pose, M["jaw"], atol=1e-6)
    np.testing.assert_allclose(track.global_orient, M["orient"], atol=1e-6)
    assert track.expression[:, :52].max() > 0.05
    assert not any("left out: what they mean" in note for note in notes)


def test_eyelids_that_a_flame_head_lacks_are_said(installed: Head, tmp_path: Path) -> None:
    path = files.smirk(tmp_path, M)
    _, notes = foreign_tracks.load_track(path, "flame2020")
    assert any("eyelids or scores are left out" in note for note in notes)
    track, notes = foreign_tracks.load_track(path, "open")
    assert not any("eyelids" in note for note in notes)
    blink = track.expression[:, ARKIT_NAMES.index("eyeBlinkLeft")]
    assert (blink >= M["lids"][:, 0] - 1e-6).all()


def test_a_motion_about_the_origin_is_one_on_the_open_head_too(
    installed: Head, tmp_path: Path
) -> None:
    path = files.pixel3dmm(tmp_path, {**M, "neck": np.zeros((files.T, 3))})
    track, notes = foreign_tracks.load_track(path, "open")
    point = np.array([0.03, 0.05, 0.1])
    for frame in range(files.T):
        pose = Head.load().head_pose_of(track.frame(frame)).numpy()
        wanted = Rotation.from_rotvec(M["orient"][frame]).apply(point) + M["shift"][frame]
        np.testing.assert_allclose(pose[:3, :3] @ point + pose[:3, 3], wanted, atol=1e-5)
    assert not any("not installed" in note for note in notes)


def test_without_flame_s_file_head_and_jaw_drive_the_open_head_and_the_rest_is_said(
    absent: None, tmp_path: Path
) -> None:
    path = files.deca(tmp_path, M)
    track, notes = foreign_tracks.load_track(path, "open")
    assert track.head == "open"
    assert not track.expression.any()
    np.testing.assert_allclose(track.jaw_pose, M["jaw"], atol=1e-6)
    assert any("expression codes of flame2020 are left out" in note for note in notes)
    with pytest.raises(AvatarError) as caught:
        foreign_tracks.to_open(read(path))
    assert caught.value.code == "missing_weights"


def test_without_flame_s_file_the_open_head_s_joint_is_taken_and_said(
    absent: None, tmp_path: Path
) -> None:
    found = read(files.metrical_tracker(tmp_path, M))
    track, notes = foreign_tracks.with_own_joint(found)
    joint = Head.load().joints_of(None)[0]
    np.testing.assert_allclose(track.transl, found.about_root(joint).transl)
    assert any("flame2020 is not installed" in note for note in notes)
