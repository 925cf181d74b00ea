"""Mattes of the sample portrait: one whole person, to the hair."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.tracking.decode import decode
from backend.tracking.matte import Matter


@pytest.fixture(scope="module")
def crop(astronaut: bytes, portrait) -> np.ndarray:
    """The part of the crop that shows the picture."""
    inside = portrait.crop.inside(512, 512)
    return np.ascontiguousarray(portrait.crop.apply(decode(astronaut).rgb)[inside.any(1)])


@pytest.fixture(scope="module")
def matter():
    with Matter() as matter:
        yield matter


@pytest.mark.parametrize("how", ["matte", "fine"])
def test_a_matte_has_no_holes_and_one_part(matter, crop, how):
    matte = getattr(matter, how)(crop)
    assert matte.shape == crop.shape[:2]
    assert matte.dtype == np.float32
    body = (matte > 0.5).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(body)
    assert stats[1:, cv2.CC_STAT_AREA].max() > 0.999 * body.sum()
    holes = cv2.connectedComponents(np.pad(1 - body, 1, constant_values=1))[0] - 2
    assert holes <= 3


def test_the_fine_matte_tells_hair_from_what_is_behind_it(matter, crop):
    plain, fine = matter.matte(crop), matter.fine(crop)
    assert np.abs(plain - fine).mean() < 0.03, "the same person"
    soft = ((fine > 0.05) & (fine < 0.95)).sum()
    assert soft > 1.5 * ((plain > 0.05) & (plain < 0.95)).sum(), "single hairs"


def test_who_stands_beside_is_left_out(matter, crop):
    both = np.hstack([crop[:, 60:420], crop[:, 60:420]])
    others = np.zeros(both.shape[:2], bool)
    others[:, 360:] = True
    alone = matter.fine(both, others)
    assert not alone[:, 360:].any()
    assert alone[:, :360].mean() > 0.3
