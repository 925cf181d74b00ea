"""A clip's first frame drives the others; beside it stand a copy and a warp."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.avatar.create import CreateOptions
from backend.evaluation.clips import SYSTEMS, _spread, write_clips
from backend.evaluation.results import open_results
from backend.export.png import read_png
from backend.losses.pixels import psnr
from shared.errors import AvatarError
from shared.progress import silent

SHIFT_PX = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The sample portrait, which moves to the right, and pictures of nobody."""
    folder = tmp_path_factory.mktemp("clips")
    picture = cv2.imread(str(SAMPLE_PORTRAIT))
    assert picture is not None
    for name in ("ada", "nobody"):
        (folder / name).mkdir()
        for number in range(3):
            matrix = np.array([[1.0, 0, number * SHIFT_PX], [0, 1, 0]])
            moved = cv2.warpAffine(picture, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
            shown = moved if name == "ada" else np.full_like(moved, 90)
            cv2.imwrite(str(folder / name / f"{number}.png"), shown)
    return folder


@pytest.fixture(scope="module")
def made(folder: Path, pipeline, tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("results")
    return out, write_clips(pipeline, folder, out, CreateOptions(iterations=0), 24, silent)


def test_every_clip_is_made_or_refused_with_its_reason(made) -> None:
    out, told = made
    assert told["clips"] == ["ada"]
    assert list(told["refused"]) == ["nobody"]
    assert "face" in told["refused"]["nobody"]
    (results,) = open_results(out, None)
    assert results.systems == tuple(sorted(SYSTEMS))
    assert results.clips == {"ada": ("000001", "000002")}


def test_the_avatar_and_the_warp_follow_what_a_copy_does_not(made) -> None:
    out, _ = made
    shown = {
        system: read_png(out / system / "ada" / "000002.png")[..., :3] / 255
        for system in (*SYSTEMS, "targets")
    }
    found = {system: psnr(shown[system], shown["targets"]) for system in SYSTEMS}
    assert found["splitavatar"] > found["copy"]
    assert found["warp2d"] > found["copy"]


def test_a_whole_clip_is_not_made_again(made, folder: Path, pipeline) -> None:
    out, _ = made
    path = out / "splitavatar" / "ada" / "000001.png"
    before = path.stat().st_mtime_ns
    write_clips(pipeline, folder, out, CreateOptions(iterations=0), 24, silent)
    assert path.stat().st_mtime_ns == before


def test_a_folder_without_a_usable_clip_says_why(folder: Path, pipeline, tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"nobody: .*face") as caught:
        write_clips(pipeline, folder / "nobody", tmp_path, CreateOptions(), 24, silent)
    assert caught.value.code == "no_face_found"


def test_one_frame_or_frames_of_two_sizes_are_no_clip(
    folder: Path, pipeline, tmp_path: Path
) -> None:
    first = cv2.imread(str(folder / "ada" / "0.png"))
    assert first is not None
    for name, sizes in (("alone", [512]), ("mixed", [512, 384])):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number, size in enumerate(sizes):
            path = tmp_path / "in" / name / f"{number}.png"
            cv2.imwrite(str(path), cv2.resize(first, (size, size)))
    with pytest.raises(AvatarError) as caught:
        write_clips(pipeline, tmp_path / "in", tmp_path / "out", CreateOptions(), 24, silent)
    assert "has one frame" in caught.value.message
    assert "384x384 and 512x512" in caught.value.message
    assert not (tmp_path / "out").exists()


def test_a_limit_below_one_is_refused(folder: Path, pipeline, tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="At most 0 frames"):
        write_clips(pipeline, folder, tmp_path, CreateOptions(), 0, silent)


def test_judged_frames_are_spread_and_never_the_first() -> None:
    assert _spread(75, 4) == [1, 25, 50, 74]
    assert _spread(3, 24) == [1, 2]
