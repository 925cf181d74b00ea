"""What does not show is carried on smoothly, and like the other side where that shows."""

from __future__ import annotations

import numpy as np
import pytest

from backend.lifting.completion import completed


@pytest.fixture(scope="module")
def sheet() -> tuple[np.ndarray, np.ndarray]:
    """A grid symmetric about x = 0, its edges along and across."""
    steps = np.linspace(-0.1, 0.1, 21)
    places = np.stack([*(g.ravel() for g in np.meshgrid(steps, steps)), np.zeros(441)], -1)
    index = np.arange(441).reshape(21, 21)
    along = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], -1)
    across = np.stack([index[:-1].ravel(), index[1:].ravel()], -1)
    return places, np.concatenate([along, across])


def test_what_is_trusted_stays(sheet):
    places, edges = sheet
    colours = np.random.default_rng(0).random((441, 3))
    found = completed(places, edges, colours, np.ones(441), np.zeros(441, bool))
    assert np.abs(found - colours).mean() < 0.1
    even = np.full((441, 3), 0.3)
    np.testing.assert_allclose(
        completed(places, edges, even, np.ones(441), np.zeros(441, bool)), even, atol=1e-5
    )


def test_a_hole_takes_what_is_around_it(sheet):
    places, edges = sheet
    middle = np.linalg.norm(places, axis=1) < 0.04
    colours = np.where(middle[:, None], 0.0, 0.6)
    found = completed(places, edges, colours, (~middle).astype(float), np.zeros(441, bool))
    np.testing.assert_allclose(found[middle], 0.6, atol=1e-3)


def test_a_hidden_side_looks_like_the_other(sheet):
    places, edges = sheet
    spots = 0.5 + 0.3 * np.sin(80 * np.abs(places[:, :1])) * np.ones(3)
    left = places[:, 0] < -0.005
    found = completed(
        places, edges, np.where(left[:, None], 0, spots), (~left).astype(float), np.zeros(441, bool)
    )
    np.testing.assert_allclose(found[left], spots[left], atol=0.02)


def test_hair_is_carried_around_rather_than_up_and_down(sheet):
    places, edges = sheet
    bands = np.where(places[:, 1:2] > 0, 0.9, 0.1) * np.ones(3)
    hidden = np.abs(places[:, 0]) < 0.06
    trust = (~hidden).astype(float)
    apart = [
        np.abs(completed(places, edges, bands * trust[:, None], trust, around) - bands).mean()
        for around in (np.zeros(441, bool), np.ones(441, bool))
    ]
    assert apart[1] < 0.6 * apart[0]
