"""Mattes of the sample portrait: one whole person, to the hair."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.tracking.decode import decode
from backend.tracking.matte import Matter, _seen_through


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


def test_background_between_tufts_is_not_taken_for_hair_unseen():
    """A dark head before a bright wall, which shows through it in a spot 25 pixels inside."""
    y, x = np.mgrid[:200, :200] + 0.5
    person = np.hypot(x - 100, y - 110) < 80
    rgb = np.where(person[..., None], 0.1, 0.8) * np.ones(3)
    spots = [np.hypot(x - 100, y - row) < 4 for row in (55, 165)]
    for spot in spots:
        rgb[spot] = 0.75
    coarse = person.astype(np.float32)
    doubted = _seen_through(rgb.astype(np.float32), coarse, np.ones_like(person))
    assert doubted[spots[0]].all(), "there is hair around it"
    assert not doubted[spots[1]].any(), "below are clothes, which may be as bright as a wall"
    assert doubted.sum() < 200
    even = _seen_through(np.full((200, 200, 3), 0.5, np.float32), coarse, np.ones_like(person))
    assert not even.any(), "nothing can be told by colours"
    nobody = _seen_through(rgb.astype(np.float32), 0 * coarse, np.ones_like(person))
    assert not nobody.any()
