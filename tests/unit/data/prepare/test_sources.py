"""The parts of preparation that look at no face: finding clips, cuts, the journal, splits."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.data.prepare.clip import ClipReport, _outside, _steady
from backend.data.prepare.journal import Journal
from backend.data.prepare.run import _splits, read_splits
from backend.data.prepare.shots import find_shots
from backend.data.prepare.sources import Clip, Sampled, find_clips, held_out
from backend.export.mp4 import Mp4Writer
from backend.tracking.crop import Crop
from shared.errors import AvatarError


def picture(shade: int) -> np.ndarray:
    return np.full((32, 48, 3), shade, np.uint8)


def put_pictures(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for i in range(count):
        cv2.imwrite(str(folder / f"{i:03}.png"), picture(10 * i))
    return folder


def test_videos_and_folders_of_pictures_below_a_folder_are_clips(tmp_path: Path) -> None:
    put_pictures(tmp_path / "id1" / "take", 2)
    (tmp_path / "id1" / "b.mp4").touch()
    (tmp_path / "a.MOV").touch()
    (tmp_path / "notes.txt").touch()
    assert find_clips(tmp_path) == [
        Clip("a", tmp_path / "a.MOV"),
        Clip("id1-b", tmp_path / "id1" / "b.mp4"),
        Clip("id1-take", tmp_path / "id1" / "take"),
    ]


def test_one_video_or_one_folder_of_pictures_is_one_clip(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert find_clips(tmp_path / "a.mp4") == [Clip("a", tmp_path / "a.mp4")]
    folder = put_pictures(tmp_path / "take", 1)
    assert find_clips(folder) == [Clip("take", folder)]


def test_two_clips_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov"):
        (tmp_path / name).touch()
    with pytest.raises(AvatarError, match="would both be the clip 'a'"):
        find_clips(tmp_path)


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="no video and no folder of pictures"):
        find_clips(tmp_path)


def test_every_fifth_picture_keeps_its_number(tmp_path: Path) -> None:
    folder = put_pictures(tmp_path / "take", 12)
    frames = list(Sampled.open(folder, 5).frames())
    assert [number for number, _ in frames] == [0, 5, 10]
    assert [int(bgr[0, 0, 0]) for _, bgr in frames if bgr is not None] == [0, 50, 100]


def test_every_fifth_frame_of_a_video_is_that_frame(tmp_path: Path) -> None:
    with Mp4Writer(tmp_path / "a.mp4", 25.0, (48, 32)) as writer:
        for i in range(12):
            writer.add(picture(20 * i))
    sampled = Sampled.open(tmp_path / "a.mp4", 5)
    shades = {n: float(bgr.mean()) for n, bgr in sampled.frames() if bgr is not None}
    assert shades == {0: pytest.approx(0, abs=4), 5: pytest.approx(100, abs=4),
                      10: pytest.approx(200, abs=4)}  # fmt: skip
    assert [number for number, _ in sampled.chosen(frozenset({5}))] == [5]
    assert sampled.fps == 25.0


def test_a_damaged_picture_has_a_number_and_no_pixels(tmp_path: Path) -> None:
    folder = put_pictures(tmp_path / "take", 2)
    (folder / "002.png").write_bytes(b"rubbish")
    (folder / "003.png").touch()
    frames = dict(Sampled.open(folder, 1).frames())
    assert list(frames) == [0, 1, 2, 3]
    assert frames[2] is None
    assert frames[3] is None


def scene(seed: int, shift: float, light: float = 1.0) -> np.ndarray:
    """A made-up place with something in the middle that moves."""
    rng = np.random.default_rng(seed)
    place = cv2.resize(rng.integers(0, 255, (5, 5, 3), np.uint8), (320, 240))
    cv2.circle(place, (int(160 + shift), 120), 60, (140, 170, 220), -1)
    return np.clip(place * light, 0, 255).astype(np.uint8)


def test_motion_and_slight_changes_of_light_are_no_cuts_and_new_places_are() -> None:
    frames = [scene(1, 40 * np.sin(i), 1 + 0.02 * i) for i in range(8)]
    frames += [scene(2, 0), scene(2, 5)]
    frames += [scene(3, i) for i in range(4)]
    shots = find_shots(enumerate(frames))
    assert shots == [list(range(8)), [8, 9], [10, 11, 12, 13]]


def test_a_crop_stays_until_the_head_has_moved_a_tenth_of_it() -> None:
    first = Crop(10, 20, 200)
    assert _steady(None, first) == first
    assert _steady(first, Crop(25, 20, 200)) == first
    assert _steady(first, Crop(35, 20, 200)) == Crop(35, 20, 200)
    assert _steady(first, Crop(10, 20, 240)) == Crop(10, 20, 240)


def test_landmarks_beside_the_picture_are_counted() -> None:
    inside = np.ones((512, 512), bool)
    inside[:, 400:] = False
    landmarks = np.full((478, 2), 200.0)
    assert _outside(landmarks, inside) == 0
    landmarks[:117, 0] = 450
    landmarks[117:234, 1] = -3
    assert _outside(landmarks, inside) == pytest.approx(0.5)


def report(clip: str, error: str = "", kept: int = 3) -> ClipReport:
    return ClipReport(clip, f"/in/{clip}.mp4", 5, kept, {"no face": [1, 2]}, error, 1.5)


def test_a_journal_remembers_what_is_done_and_forgets_a_torn_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 5)
    journal.add(report("a"))
    journal.add(report("b", error="broken", kept=0))
    path = tmp_path / "prepared.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"every": 5, "clip": "c", "sour')
    again = Journal(tmp_path, 5)
    assert again.done("a")
    assert not again.done("b")  # tried again
    assert not again.done("c")
    assert path.read_text() == whole
    again.add(report("b"))
    assert Journal(tmp_path, 5).kept_clips() == ["a", "b"]
    with pytest.raises(AvatarError, match="begun with --every 5, not 1"):
        Journal(tmp_path, 1)


def test_the_report_counts_by_reason(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 5)
    journal.add(report("b"))
    journal.add(report("a", error="broken", kept=0))
    journal.write_report()
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["clips"] == written["clips_failed"] == 1
    assert (written["frames"], written["frames_looked_at"]) == (3, 10)
    assert written["frames_dropped"] == {"no face": 4}
    assert (tmp_path / "report.csv").read_text().splitlines() == [
        "clip,source,frames,kept,no face,error,seconds",
        "a,/in/a.mp4,5,0,2,broken,1.5",
        "b,/in/b.mp4,5,3,2,,1.5",
    ]


def test_a_clip_stays_in_its_split_when_others_come() -> None:
    clips = [f"clip{i}" for i in range(1000)]
    test = [clip for clip in clips if held_out(clip, 0.1)]
    assert 60 < len(test) < 140
    fewer = clips[:500]
    assert [clip for clip in fewer if held_out(clip, 0.1)] == [c for c in test if c in fewer]
    assert _splits(["a", "b"], 0.0) == {"train": ["a", "b"]}
    assert _splits(["a", "b"], 1.0) == {"test": ["a", "b"]}


def test_given_splits_leave_out_clips_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text('{"train": ["b", "a"], "test": ["c"]}')
    given = read_splits(path)
    assert _splits(["a", "c"], given) == {"train": ["a"], "test": ["c"]}
    path.write_text('{"train": "b"}')
    with pytest.raises(AvatarError, match="does not map some of"):
        read_splits(path)
    path.write_text('{"train": ["b"], "test": ["b"]}')
    with pytest.raises(AvatarError, match="is in the splits 'train' and 'test'"):
        read_splits(path)
