"""Round trips: what comes back lies over the photograph that it began with."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.data.retouch_sample import read_sample
from backend.losses.pixels import psnr
from backend.model.retoucher import CLUES, PICTURE
from backend.round_trips.make import TripRecipe, make_trips
from shared.errors import AvatarError
from shared.progress import silent

ALPHA, HEAD = 3, PICTURE + CLUES.index("head")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict]:
    folder, out = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("trips")
    (folder / "0.png").write_bytes(b"held out, and never read")
    (folder / "1.png").write_bytes(SAMPLE_PORTRAIT.read_bytes())
    cv2.imwrite(str(folder / "2.png"), np.full((300, 300, 3), 90, np.uint8))
    return out, make_trips(folder, out, TripRecipe(count=1, kept=1), silent, processes=1)


def test_every_photograph_but_the_tenth_is_used_or_refused_with_its_reason(made) -> None:
    out, told = made
    assert sorted(path.name for path in out.iterdir()) == ["1_0.webp", "1_1.webp", "1_k0.webp"]
    assert told["people"] == 1
    assert list(told["refused"]) == ["2.png"]


def test_the_photographs_own_picture_is_nearly_the_photograph(made) -> None:
    sample = read_sample(made[0] / "1_0.webp")
    assert psnr(sample.drawn[..., :3] / 255, sample.target[..., :3] / 255) > 35


def test_what_went_round_has_faults_and_is_in_its_place(made) -> None:
    sample = read_sample(made[0] / "1_1.webp")
    drawn, target = sample.drawn[..., :3] / 255, sample.target[..., :3] / 255
    assert 15 < psnr(drawn, target) < 35
    face = (sample.drawn[..., HEAD] > 250).astype(np.float32)
    assert 0.05 < face.mean() < 0.5
    greys = [np.float32(picture.mean(-1)) * face for picture in (drawn, target)]
    (x, y), _ = cv2.phaseCorrelate(*greys)
    assert np.hypot(x, y) < 0.5, "pixels of 256"
    both = [sample.drawn[..., ALPHA] > 127, sample.target[..., 3] > 127]
    assert np.logical_and(*both).sum() > 0.9 * np.logical_or(*both).sum()


def test_an_unusual_expression_is_its_own_target(made) -> None:
    sample = read_sample(made[0] / "1_k0.webp")
    np.testing.assert_array_equal(sample.target, sample.drawn[..., :4])
    own = read_sample(made[0] / "1_0.webp")
    assert np.abs(sample.drawn[..., :3].astype(int) - own.drawn[..., :3]).max() > 30


def test_what_is_there_is_not_made_again(made, tmp_path) -> None:
    out, _ = made
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "0.png").touch()
    (folder / "1.png").touch()
    told = make_trips(folder, out, TripRecipe(count=1), silent, processes=1)
    assert told == {"people": 1, "refused": {}}
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_a_folder_of_one_and_no_trips_at_all_are_refused(tmp_path) -> None:
    (tmp_path / "0.png").touch()
    with pytest.raises(AvatarError, match="every tenth is left out"):
        make_trips(tmp_path, tmp_path / "out", TripRecipe(), silent)
    with pytest.raises(AvatarError, match="expected 1 or more"):
        TripRecipe(count=0)
