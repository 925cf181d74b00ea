"""Photographs judge the avatars that they make: own pose, mirror, round trip, and a sheet."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.avatar.create import CreateOptions
from backend.evaluation.portraits import HEADINGS, SYSTEMS, _judged, write_portraits
from backend.evaluation.results import open_results
from backend.export.png import read_png
from backend.losses.pixels import psnr
from shared.errors import AvatarError
from shared.progress import silent

QUICK = CreateOptions(iterations=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "ada.png").write_bytes(SAMPLE_PORTRAIT.read_bytes())
    cv2.imwrite(str(folder / "nobody.png"), np.full((300, 300, 3), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def made(folder: Path, pipeline, tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("results")
    return out, write_portraits(pipeline, folder, out, QUICK, None, silent)


def test_every_photo_is_judged_or_refused_with_its_reason(made) -> None:
    out, told = made
    assert told["judged"] == 1
    assert list(told["refused"]) == ["nobody.png"]
    (results,) = open_results(out, None)
    assert results.systems == tuple(sorted(SYSTEMS))
    assert results.clips == {"ada": ("portrait",)}


def test_the_own_pose_is_nearer_than_a_round_trip_and_that_nearer_than_another_pose(made) -> None:
    out, _ = made
    shown = {
        name: read_png(out / name / "ada" / "portrait.png")[..., :3] / 255
        for name in (*SYSTEMS, "targets")
    }
    found = {name: psnr(shown[name], shown["targets"]) for name in SYSTEMS}
    assert found["own"] > found["round_trip"] > max(found["left_20"], found["right_20"])
    assert found["mirrored"] > max(found["left_20"], found["right_20"])


def test_the_sheet_shows_every_pose(made) -> None:
    out, told = made
    assert told["sheets"] == [out / "sheet_1.png"]
    strip = read_png(out / "sheets" / "ada.png")[..., :3]
    cells = np.split(strip, len(HEADINGS), axis=1)
    assert all(cell.std() > 10 for cell in cells)
    assert read_png(told["sheets"][0]).shape[1] > strip.shape[1]


def test_of_many_photos_every_tenth_is_judged(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"{number:03d}.jpg").touch()
    assert [path.stem for path in _judged(tmp_path, None)] == ["000", "010", "020"]
    assert len(_judged(tmp_path, 2)) == 2


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="holds no pictures"):
        _judged(tmp_path, None)
