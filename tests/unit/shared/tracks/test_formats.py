"""Every tracker's files land on the vertices that its own conventions give, worked out apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.head import Head
from backend.head.flame_file import read_flame
from shared.flame import ARKIT_NAMES
from shared.tracks import FORMATS, ReadTrack, read
from tests.fakes import tracker_files as files
from tests.fakes.flame_by_hand import BY_HAND
from tests.unit.head.flame_files import as_npz, small_flame

M = files.motion()


@pytest.fixture(scope="module")
def model() -> dict[str, np.ndarray]:
    return small_flame()


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory, model: dict[str, np.ndarray]) -> Head:
    """A FLAME head without what is worked out for Gaussians, which takes seconds."""
    path = tmp_path_factory.mktemp("flame") / "flame.npz"
    path.write_bytes(as_npz(model))
    stored = read_flame(path)
    nothing = torch.zeros(0)
    return Head(
        name="flame2020", hash="", v_template=torch.tensor(stored.v_template),
        faces=torch.tensor(stored.faces), edges=nothing, mirror=nothing,
        shapedirs=torch.tensor(stored.shapedirs), exprdirs=torch.tensor(stored.exprdirs),
        J_regressor=torch.tensor(stored.J_regressor), lbs_weights=torch.tensor(stored.lbs_weights),
        parents=(-1, 0, 1, 1, 1), landmark_faces=nothing, landmark_bary=nothing, regions={},
        site_faces=nothing, site_bary=nothing, site_spacing=nothing, neighbours=nothing,
        posedirs=torch.tensor(stored.posedirs), expression_moves_joints=True,
    )  # fmt: skip


def posed(head: Head, track: ReadTrack) -> np.ndarray:
    """[T, V, 3] by our own FLAME; each frame's motion told about that frame's own root joint."""
    found = []
    for frame in map(track.frame, range(len(track))):
        joint = head.joints_of(frame.betas, frame.expression[0])[0]
        told = frame.about_root(joint)
        names = ("expression", "global_orient", "neck_pose", "jaw_pose", "leye_pose", "reye_pose",
                 "transl")  # fmt: skip
        values = [torch.tensor(getattr(told, name)) for name in names]
        betas = np.zeros(300, np.float32) if told.betas is None else told.betas
        found.append(head.lbs(torch.tensor(betas)[None], *values)[0].numpy())
    return np.stack(found)


def test_there_is_a_file_and_an_evaluation_for_every_format_of_flame() -> None:
    flame = {kind.title for kind in FORMATS if kind.head != "ARKit"}
    assert flame == set(files.TRACKERS) == set(BY_HAND)


@pytest.mark.parametrize("title", files.TRACKERS)
def test_its_file_lands_on_the_vertices_worked_out_apart(
    title: str, head: Head, model: dict[str, np.ndarray], tmp_path: Path
) -> None:
    tracker = files.TRACKERS[title]
    track = read(tracker.write(tmp_path, M))
    assert (track.format, track.head, track.fps) == (title, tracker.head, tracker.fps)
    assert len(track) == files.T
    assert track.times is None
    np.testing.assert_allclose(posed(head, track), BY_HAND[title](model, M), rtol=0, atol=1e-5)


@pytest.mark.parametrize("title", files.TRACKERS)
def test_whatever_the_file_is_called_its_content_decides(title: str, tmp_path: Path) -> None:
    path = files.TRACKERS[title].write(tmp_path, M)
    odd = path.with_name("a.bin") if title != "LAM" else path.with_name("data")
    path.rename(odd)
    assert read(odd).format == title


@pytest.mark.parametrize(
    "write", [files.emoca, files.deca_dict, files.emoca_frames, files.deca_frames]
)
def test_what_emoca_and_numpy_write_is_the_same_track(write: object, tmp_path: Path) -> None:
    wanted = read(files.deca(tmp_path, M))
    (tmp_path / "other").mkdir()
    found = read(write(tmp_path / "other", M))  # type: ignore[operator]
    for name in ("betas", "expression", "global_orient", "jaw_pose"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=1e-7)


def test_the_folder_stands_for_its_files(tmp_path: Path) -> None:
    for write in (files.lam, files.metrical_tracker, files.flame_head_tracker):
        folder = tmp_path / write.__name__
        folder.mkdir()
        write(folder, M)
        assert len(read(folder)) == files.T


def test_a_frame_that_the_tracker_left_out_is_a_gap_in_time(tmp_path: Path) -> None:
    path = files.flame_head_tracker(tmp_path, M)
    (tmp_path / "3.npz").unlink()
    track = read(path)
    assert track.times is not None
    np.testing.assert_allclose(track.times * 25, [0, 1, 2, 4, 5])
    assert any("1 frames are missing" in note for note in track.notes)


def test_eyelids_and_scores_are_arkits_weights(tmp_path: Path) -> None:
    lids = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    for write in (files.smirk, files.metrical_tracker, files.pixel3dmm):
        folder = tmp_path / write.__name__
        folder.mkdir()
        track = read(write(folder, M))
        assert track.weights is not None
        np.testing.assert_allclose(track.weights[:, lids], M["lids"], atol=1e-6)
    scores = read(files.flame_head_tracker(tmp_path, M)).weights
    assert scores is not None
    assert scores[2, ARKIT_NAMES.index("browDownLeft")] == M["scores"][2, 1]
    assert scores[2, ARKIT_NAMES.index("noseSneerRight")] == M["scores"][2, 51]
    assert not scores[:, ARKIT_NAMES.index("tongueOut")].any()


def test_what_is_lost_or_taken_for_granted_is_said(tmp_path: Path) -> None:
    notes = {}
    for title in ("CAP4D", "UniTalker", "SMIRK", "VHAP"):
        folder = tmp_path / title
        folder.mkdir()
        notes[title] = " ".join(read(files.TRACKERS[title].write(folder, M)).notes)
    assert "without jaw" in notes["CAP4D"]
    assert "Rotation, translation and scale are left out" in notes["UniTalker"]
    assert "cam) is left out" in notes["SMIRK"]
    assert "25 fps taken" in notes["VHAP"]
