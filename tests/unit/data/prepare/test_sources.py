"""Finding clips, and reading every fifth picture of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.data.prepare.sources import Clip, Sampled, find_clips
from backend.export.mp4 import Mp4Writer
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


def test_a_video_is_read_as_those_that_drive_upright_and_on_behind_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    rng = np.random.default_rng(0)
    with Mp4Writer(path, 25.0, (96, 64)) as writer:
        for _ in range(60):
            writer.add(rng.integers(0, 255, (64, 96, 3), np.uint8))
    content = bytearray(path.read_bytes())
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
    content[middle : middle + 2000] = rng.bytes(2000)
    path.write_bytes(content)
    sampled = Sampled.open(path, 5)
    numbers = [number for number, _ in sampled.frames()]
    assert numbers == list(range(0, numbers[-1] + 1, 5))
    assert numbers[-1] >= 50
    assert ["Damaged frames" in note for note in sampled.notes] == [True]


def test_a_damaged_picture_has_a_number_and_no_pixels(tmp_path: Path) -> None:
    folder = put_pictures(tmp_path / "take", 2)
    (folder / "002.png").write_bytes(b"rubbish")
    (folder / "003.png").touch()
    frames = dict(Sampled.open(folder, 1).frames())
    assert list(frames) == [0, 1, 2, 3]
    assert frames[2] is None
    assert frames[3] is None
