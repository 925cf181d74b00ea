"""What skin and eyes tell of the light on a face."""

from __future__ import annotations

import numpy as np
import pytest

from backend.lifting.eyes import SCLERA
from backend.lifting.light import SKIN, brightness_of, tint_of

_NONE = np.zeros((0, 3))


def test_skin_tells_warm_light_and_hardly_cold_light() -> None:
    """Grading and make-up grey skin; whites of eyes, where they show, tell either."""
    cast = np.array([1.15, 1.0, 0.85])
    warm, cold = (np.tile(SKIN * c, (9, 1)) for c in (cast, cast[::-1]))
    assert tint_of(warm, _NONE)[0] > 1.08
    assert 1.02 < tint_of(cold, _NONE)[2] < 1.06
    assert tint_of(warm, np.tile(cast[::-1] * 0.5, (40, 1)))[2] > 1.08


def test_dark_skin_is_not_taken_for_little_light() -> None:
    dark, whites = np.full((9, 3), 0.25), np.tile(0.9 * SCLERA, (40, 1))
    assert brightness_of(dark, whites) == pytest.approx(0.9)
    assert brightness_of(dark, _NONE) == pytest.approx(0.25 / 0.6)
    assert brightness_of(_NONE, _NONE) == 1


@pytest.mark.parametrize("count", range(1, 12))
def test_eyes_that_are_nearly_shut_do_not_tell_the_light(count: int) -> None:
    """What shows of them are lids; two or three sites have none between their percentiles."""
    skin, few = np.tile(SKIN, (9, 1)), np.linspace(0.1, 0.9, 3 * count).reshape(count, 3)
    assert np.array_equal(tint_of(skin, few), tint_of(skin, _NONE))
