"""Light: what makes one photo's skin another's is found, whatever else differs."""

from __future__ import annotations

import numpy as np
import pytest

from backend.lifting.balance import balanced
from backend.lifting.colours import Shown
from backend.lifting.sites import Sites

_COUNT = 4000
_NAMES = ("lips", "brows", "lids", "lashes", "scalp", "left_eyeball", "right_eyeball")


@pytest.fixture
def sites() -> Sites:
    normals = np.random.default_rng(0).normal(size=(_COUNT, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Sites(0.1 * normals, normals, 0.1 * normals, np.arange(_COUNT))


@pytest.fixture
def at() -> dict[str, np.ndarray]:
    none = {name: np.zeros(_COUNT, bool) for name in _NAMES}
    return {"face": np.ones(_COUNT, bool), **none}


def photo(colours: np.ndarray, seen: np.ndarray) -> Shown:
    return Shown(colours, seen.astype(float), np.zeros(_COUNT, bool), np.ones(_COUNT))


def skin() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.3, 0.5, (_COUNT, 3))


def test_a_gain_of_each_channel_is_taken_back(sites, at):
    front, side = sites.normals[:, 2] > 0, sites.normals[:, 0] > 0
    main = photo(skin(), front)
    other = photo(skin() * (0.7, 0.9, 1.2), side)
    found = balanced(other, main, sites, at)
    np.testing.assert_allclose(found.colours[side], skin()[side], rtol=0.02)


def test_light_from_another_side_is_taken_back_also_where_only_one_photo_sees(sites, at):
    front, side = sites.normals[:, 2] > 0, sites.normals[:, 0] > 0
    light = np.exp(0.2 * sites.normals[:, :1])
    found = balanced(photo(skin() * light, side), photo(skin(), front), sites, at)
    hidden = side & ~front
    before = np.abs(skin() * light - skin())[hidden].mean()
    assert np.abs(found.colours - skin())[hidden].mean() < 0.15 * before


def test_what_lies_over_the_skin_in_one_photo_tells_nothing_of_the_light(sites, at):
    front, side = sites.normals[:, 2] > 0, sites.normals[:, 0] > 0
    colours = skin() * 0.8
    over = np.random.default_rng(2).random(_COUNT) < 0.2
    colours[over] = 0.05
    found = balanced(photo(colours, side), photo(skin(), front), sites, at)
    clean = side & ~over
    np.testing.assert_allclose(found.colours[clean], skin()[clean], rtol=0.06)


def test_photos_that_share_no_skin_stay_as_they_are(sites, at):
    left, right = sites.normals[:, 0] < 0, sites.normals[:, 0] > 0
    other = photo(skin() * 0.5, left)
    assert balanced(other, photo(skin(), right), sites, at) is other
