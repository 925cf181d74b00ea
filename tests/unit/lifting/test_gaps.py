"""What a matte takes for hair and is the backdrop seen through it is not the person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.gaps import without_backdrop
from backend.lifting.parts import parse
from backend.lifting.polygons import erode
from backend.tracking.portrait import Portrait

GREEN = np.array([0.15, 0.7, 0.3], np.float32)
GREY = np.array([0.4, 0.4, 0.4], np.float32)
DYED = 0.45  # of the backdrop's brightness


def before(portrait: Portrait, backdrop: np.ndarray) -> Portrait:
    """The portrait before a backdrop [3] of one colour."""
    return replace(portrait, rgb=_over(portrait.rgb, portrait.matte < 0.5, backdrop))


def _over(rgb: np.ndarray, where: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return np.where(where[..., None], colour, rgb).astype(np.float32)


def spot(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """[H, W] bool: a disc around the place deepest inside a mask [H, W]."""
    deep = erode(mask, radius_px + 6)
    rows, columns = np.nonzero(deep)
    y, x = rows[len(rows) // 2], columns[len(rows) // 2]
    height, width = np.indices(mask.shape)
    return (height - y) ** 2 + (width - x) ** 2 <= radius_px**2


@pytest.fixture(scope="module")
def hair_spot(portrait) -> np.ndarray:
    return spot(parse(portrait.matted, portrait.matte).hair, 7)


def test_backdrop_between_locks_is_cleared(portrait, hair_spot):
    shown = before(portrait, GREEN)
    shown = replace(shown, rgb=_over(shown.rgb, hair_spot, GREEN))
    cleared = without_backdrop(shown)
    assert shown.matte[hair_spot].min() > 0.95
    assert cleared.matte[erode(hair_spot, 1)].max() < 0.1
    far = ~hair_spot & (np.abs(cleared.matte - shown.matte) > 0.5)
    assert far.sum() < 20, "nothing else is lost"
    seen = cleared.matte > 0.5
    assert (cleared.rgb[seen & ~hair_spot] - portrait.rgb[seen & ~hair_spot]).max() < 0.35


def test_dyed_hair_and_clothes_of_the_backdrops_hue_stay(portrait, hair_spot):
    cloth = spot(parse(portrait.matted, portrait.matte).clothes, 10)
    shown = before(portrait, GREEN)
    for where, colour in ((hair_spot, DYED * GREEN), (cloth, GREEN)):
        coloured = replace(shown, rgb=_over(shown.rgb, where, colour))
        assert without_backdrop(coloured).matte[where].min() > 0.9


def test_before_a_grey_wall_or_cut_out_nothing_changes(portrait):
    for backdrop in (GREY, np.zeros(3, np.float32)):
        shown = before(portrait, backdrop)
        assert without_backdrop(shown) is shown
