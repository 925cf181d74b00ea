"""Whatever file it is: one track or one error."""

from __future__ import annotations

import contextlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.errors import AvatarError
from shared.tracks import FORMATS, Options, read
from tests.fakes import arkit_files, tracker_files
from tests.unit.shared.restricted.pickles import Call

M = tracker_files.motion()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"hello\nworld"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("motion.bvh", b"HIERARCHY\nROOT Hips\n{\n}\n"),
        ("table.csv", b"a,b,c\n1,2,3\n"),
        ("scene.json", b'{"asset": {"version": "2.0"}}'),
        ("list.json", b"[1, 2, 3]"),
        ("transforms.json", b'{"frames": [{"file_path": "a.png", "transform_matrix": [[1]]}]}'),
    ],
)
def test_an_unknown_file_is_told_what_is_read(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AvatarError) as caught:
        read(tmp_path / name)
    assert caught.value.code == "unsupported_format"
    assert name in caught.value.message
    assert all(kind.title in caught.value.remedy for kind in FORMATS)


@pytest.mark.parametrize("title", tracker_files.TRACKERS)
def test_cut_files_are_one_error(title: str, tmp_path: Path) -> None:
    path = tracker_files.TRACKERS[title].write(tmp_path, M)
    content = path.read_bytes()
    for share in (0.02, 0.5, 0.99):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(AvatarError) as caught:
            read(path)
        assert caught.value.code in ("bad_file", "unsupported_format")


FILES = {
    **{title: tracker.write for title, tracker in tracker_files.TRACKERS.items()},
    **{
        case: lambda folder, _, write=write: write(folder)
        for case, write in arkit_files.SAME.items()
    },
}


@pytest.mark.parametrize("title", FILES)
def test_damaged_files_are_one_error_or_a_track(title: str, tmp_path: Path) -> None:
    path = FILES[title](tmp_path, M)
    content, rng = path.read_bytes(), np.random.default_rng(7)
    for count in [1, 3, 30] * 8:
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(0, len(damaged), count)] = rng.integers(0, 256, count)
        path.write_bytes(damaged.tobytes())
        with contextlib.suppress(AvatarError):
            read(path)


def test_hostile_pickles_are_refused_in_every_container(tmp_path: Path) -> None:
    bomb = Call(os.system, f"touch {tmp_path}/executed")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"clip_1": bomb}))
    torch.save({"flame": bomb}, tmp_path / "00001.frame")
    np.save(tmp_path / "a.npy", np.array({"shape": bomb}, object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", shape=np.array({"a": bomb}, object), exp=[[0.0]], pose=[[0.0] * 6])
    for name in ("a.pkl", "00001.frame", "a.npy", "a.npz"):
        with pytest.raises(AvatarError, match=r"refused (posix|nt)\.system"):
            read(tmp_path / name)
    assert not (tmp_path / "executed").exists()


def test_a_file_of_several_clips_wants_one_of_them(tmp_path: Path) -> None:
    path = tracker_files.gagavatar(tmp_path, M)
    records = pickle.loads(path.read_bytes())  # ours
    both = {**records, **{f"other_{n}": records["clip_a_0"] for n in (10, 11)}}
    path.write_bytes(pickle.dumps(both))
    with pytest.raises(AvatarError, match=r"holds 2 clips \(clip_a, other\)"):
        read(path)
    assert len(read(path, Options(clip="other"))) == 2
    assert len(read(path, Options(clip="clip_a"))) == tracker_files.T
    with pytest.raises(AvatarError, match="none is 'third'"):
        read(path, Options(clip="third"))


def test_the_user_s_rate_and_head_count(tmp_path: Path) -> None:
    path = tracker_files.vhap(tmp_path, M)
    track = read(path, Options(fps=60, head="flame2020"))
    assert (track.fps, track.head) == (60, "flame2020")
    assert not any("fps taken" in note for note in track.notes)


def test_a_missing_or_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_bytes(b" \n")
    for name, text in (("none.json", "none.json does not exist"), ("empty.json", "is empty")):
        with pytest.raises(AvatarError, match=text):
            read(tmp_path / name)
    (tmp_path / "folder").mkdir()
    with pytest.raises(AvatarError, match="a folder without tracks"):
        read(tmp_path / "folder")


def test_frames_keep_what_belongs_to_them(tmp_path: Path) -> None:
    track = read(arkit_files.with_gap(tmp_path))
    part = track.slice(7, 10)
    assert part.times is not None
    np.testing.assert_allclose(part.times, [0, 1 + 1 / 24, 1 + 2 / 24], atol=1e-9)
    frame = read(tracker_files.metrical_tracker(tmp_path, M)).frame(3)
    assert frame.moved is not None
    assert frame.weights is not None
    assert (len(frame.moved), len(frame.weights)) == (1, 1)


def test_a_file_of_torch_s_old_format_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "motions.pt"
    torch.save(torch.zeros(5, 106), path, _use_new_zipfile_serialization=False)
    with pytest.raises(AvatarError, match="torch's old format; load it and save it"):
        read(path)


def test_numbers_that_tell_frames_apart_order_them(tmp_path: Path) -> None:
    tracker_files.metrical_tracker(tmp_path, M)
    for path in sorted(tmp_path.glob("*.frame")):
        path.rename(tmp_path / f"take2_{int(path.stem)}_final01.frame")
    track = read(tmp_path / "take2_5_final01.frame")
    np.testing.assert_allclose(track.expression, M["exp"], atol=1e-6)


def test_a_single_frame_among_other_files_stays_one(tmp_path: Path) -> None:
    path = tracker_files.smirk(tmp_path, {**M, **{n: v[:1] for n, v in M.items() if n != "shape"}})
    (tmp_path / "smirk2.pt").write_bytes(b"something else")
    assert len(read(path)) == 1


def without(path: Path, name: str) -> Path:
    """An .npz without one of its arrays."""
    with np.load(path) as stored:
        arrays = {key: stored[key] for key in stored.files if key != name}
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("title", "missing"),
    [("VHAP", "jaw_pose"), ("CAP4D", "eye_rot"), ("flame-head-tracker", "cam")],
)
def test_a_file_that_lacks_one_name_of_a_format_is_a_malformed_one(
    title: str, missing: str, tmp_path: Path
) -> None:
    path = without(tracker_files.TRACKERS[title].write(tmp_path, M), missing)
    with pytest.raises(AvatarError) as caught:
        read(path)
    assert caught.value.code == "bad_file"
    wanted = f"{path.name}, key {missing!r}: found nothing (it holds "
    assert wanted in caught.value.message
    assert f"expected an array of this name, as of {title}" in caught.value.message


def test_a_record_that_lacks_a_name_says_which_and_where(tmp_path: Path) -> None:
    path = tracker_files.gagavatar(tmp_path, M)
    records = pickle.loads(path.read_bytes())  # ours
    del records["clip_a_2"]["eyecode"]
    path.write_bytes(pickle.dumps(records))
    with pytest.raises(AvatarError, match=r"key 'clip_a_2\.eyecode': found nothing"):
        read(path)
    frame = tmp_path / "00001.frame"
    camera = {"R": torch.eye(3)[None]}
    torch.save({"flame": {"exp": torch.zeros(1, 100)}, "camera": camera}, frame)
    with pytest.raises(AvatarError, match=r"key 'camera\.t': found nothing"):
        read(frame)
    camera["R"] = torch.zeros(1, 6)
    torch.save({"flame": {"exp": torch.zeros(1, 100)}, "camera": camera}, frame)
    with pytest.raises(AvatarError, match=r"key 'camera\.R': found numbers that are no rotation"):
        read(frame)


def test_any_of_emoca_s_arrays_stands_for_all(tmp_path: Path) -> None:
    folder = tracker_files.emoca(tmp_path, M)
    assert read(folder / "exp.npy").format == "DECA, EMOCA"
    assert len(read(folder / "pose.npy")) == tracker_files.T
