"""Weights as shares of 1, whatever they come as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvatarError
from shared.tracks.weights import shares

PATH = Path("a.json")


def test_shares_stay_as_they_are() -> None:
    weights = np.array([[0.0, 0.5, 1.3], [-0.1, 0.2, 1.9]])
    found, notes = shares(PATH, weights)
    assert found is weights
    assert notes == []


@pytest.mark.parametrize("largest", [3.0, 38.75, 100.0, 180.0])
def test_per_cent_are_divided_by_100_and_said(largest: float) -> None:
    weights = np.linspace(0, largest, 20).reshape(4, 5)
    found, notes = shares(PATH, weights)
    np.testing.assert_allclose(found, weights / 100)
    assert "per cent" in notes[0]


def test_one_curve_in_per_cent_among_still_ones_is_noticed() -> None:
    weights = np.full((50, 52), 1e-3)
    weights[:, 24] = np.linspace(0, 38.75, 50)
    assert shares(PATH, weights)[0].max() == pytest.approx(0.3875)


def test_a_few_overdone_shares_are_no_per_cent() -> None:
    weights = np.full((50, 52), 0.4)
    weights[3, 24] = 2.6
    found, notes = shares(PATH, weights)
    assert found is weights
    assert notes == ["Weights go up to 2.6; beyond 2 nothing more moves."]


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(AvatarError, match="found 255, expected weights of 0 to 1"):
        shares(PATH, np.array([[255.0]]))
