"""Eyeballs: seen colours go round the iris, a hidden eye is like the other, two are painted."""

from __future__ import annotations

import numpy as np
import pytest

from backend.lifting.eyes import SCLERA, WHITES, fill_eyes
from backend.lifting.sites import Sites

_RADIUS_M = 0.012
_BLUE = np.array([0.3, 0.4, 0.6])


@pytest.fixture
def sites() -> Sites:
    """Two balls of 2000 places each."""
    rng = np.random.default_rng(0)
    around = rng.normal(size=(4000, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    rest = _RADIUS_M * around
    rest[:2000, 0] += 0.03
    rest[2000:, 0] -= 0.03
    return Sites(rest, around, rest, np.arange(4000))


def angles(sites: Sites) -> np.ndarray:
    return np.degrees(np.arccos(sites.normals[:, 2]))


def eyes() -> list[np.ndarray]:
    left = np.arange(4000) < 2000
    return [left, ~left]


def seen_blue(sites: Sites) -> tuple[np.ndarray, np.ndarray]:
    """The left eye's front, its upper third hidden by the lid."""
    angle = angles(sites)
    colours = np.where(angle[:, None] < 29, _BLUE, SCLERA)
    seen = eyes()[0] & (angle < 50) & (sites.normals[:, 1] < 0.2)
    return np.where(seen[:, None], colours, 0), seen


def test_what_a_lid_hides_goes_on_round_the_iris_in_its_shade(sites):
    colours, seen = seen_blue(sites)
    before, angle, up = colours.copy(), angles(sites), sites.normals[:, 1]
    fill_eyes(colours, seen, sites, eyes(), np.ones(3))
    shown = seen & (angle < 21)
    np.testing.assert_array_equal(colours[shown], before[shown])
    iris = eyes()[0] & (angle < 21) & ~seen
    tone = colours[iris] / colours[iris].mean(1, keepdims=True)
    np.testing.assert_allclose(tone, np.tile(_BLUE / _BLUE.mean(), (iris.sum(), 1)), atol=0.01)
    assert (colours[iris].mean(1) > 0.6 * _BLUE.mean()).all()
    assert (colours[iris].mean(1) < 0.9 * _BLUE.mean()).all()
    back = eyes()[0] & (angle > 90) & (up < 0)
    assert (colours[back] <= 1.1 * SCLERA).all()
    assert colours[back].min() > 0.5


def test_the_red_of_corners_does_not_turn_with_an_eye(sites):
    """It is seen beside the iris' whites, as far as the photo shows the eye."""
    colours, seen = seen_blue(sites)
    angle, up = angles(sites), sites.normals[:, 1]
    corners = seen & (angle > 42)
    colours[corners] = (0.6, 0.2, 0.2)
    fill_eyes(colours, seen, sites, eyes(), np.ones(3))
    level = np.abs(up) < 0.1
    beside, far = (colours[eyes()[0] & level & part].mean(0) for part in (
        (angle > 30) & (angle < 36), (angle > 44) & (angle < 50)))  # fmt: skip
    np.testing.assert_allclose(far / far.mean(), beside / beside.mean(), atol=0.02)
    assert 0.8 * beside.mean() < far.mean() < beside.mean(), "a little darker"
    np.testing.assert_allclose(beside / beside.mean(), SCLERA / SCLERA.mean(), atol=0.05)


def test_a_closed_eye_opens_onto_the_other_ones_iris(sites):
    colours, seen = seen_blue(sites)
    fill_eyes(colours, seen, sites, eyes(), np.ones(3))
    iris = eyes()[1] & (angles(sites) < 21) & (sites.normals[:, 1] < 0)
    np.testing.assert_allclose(colours[iris], np.broadcast_to(_BLUE, (iris.sum(), 3)), rtol=0.2)


@pytest.mark.parametrize("light", [np.ones(3), np.array([0.6, 0.5, 0.4])])
def test_two_closed_eyes_are_as_most_peoples_in_the_faces_light(sites, light):
    colours = np.zeros((4000, 3))
    fill_eyes(colours, np.zeros(4000, bool), sites, eyes(), light)
    angle, up = angles(sites), sites.normals[:, 1]
    below = (up < -0.1) & (up > -0.3)

    def ring(low: float, high: float, where: np.ndarray = below) -> np.ndarray:
        return colours[(angle > low) & (angle < high) & where].mean(0) / light

    pupil, iris, white = ring(0, 6, up < 0), ring(11, 17), ring(30, 38)
    assert pupil.mean() < 0.6 * iris.mean() < 0.36 * white.mean()
    assert iris[0] > iris[1] > iris[2], "brown"
    np.testing.assert_allclose(white, WHITES, rtol=0.1)
    assert ring(30, 38, (up > 0.15) & (up < 0.5)).mean() < 0.75 * white.mean(), "a lid shades it"
    lit = colours[(angle > 10) & (angle < 16) & (up > 0)].max(0) / light
    assert (lit > 1.3 * ring(10, 16, up > 0)).all(), "a light shows in the eye"
