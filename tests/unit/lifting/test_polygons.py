"""Lips and eyes as polygons."""

from __future__ import annotations

import numpy as np

from backend.lifting.polygons import dilate, erode, polygons

OPEN = (False, False)


def test_growing_and_shrinking_a_disc():
    y, x = np.mgrid[-20:21, -20:21]
    disc = x**2 + y**2 <= 64
    assert abs(dilate(disc, 4).sum() / (np.pi * 12**2) - 1) < 0.05
    assert abs(erode(disc, 4).sum() / (np.pi * 4**2) - 1) < 0.2
    assert not dilate(np.zeros((9, 9), bool), 3).any()


def test_polygons_lie_on_lips_and_eyes(portrait):
    shapes = polygons(portrait.landmarks, OPEN, 512)
    assert shapes.mouth.any(), "she smiles with parted lips"
    assert not (shapes.mouth & ~shapes.lips).any()
    assert not (shapes.lips & shapes.eyes).any()
    left, right = (np.argwhere(s).mean(0) for s in (shapes.left_eye, shapes.right_eye))
    assert left[1] > right[1] + 50, "the subject's left is on the picture's right"
    assert not ((shapes.lips | shapes.eyes) & ~shapes.frozen).any()


def test_closed_lips_have_nothing_between_them(portrait):
    closed = portrait.landmarks.copy()
    closed[14, 1] = closed[13, 1] + 1
    assert not polygons(closed, OPEN, 512).mouth.any()


def test_polygons_partly_outside_the_picture_do_no_harm(portrait):
    moved = polygons(portrait.landmarks + [-250, 0], OPEN, 512)
    assert moved.frozen.shape == (512, 512)
    assert not polygons(portrait.landmarks + [3000, 3000], OPEN, 512).frozen.any()


def test_an_eye_that_is_closed_shows_nothing_of_its_ball(portrait):
    whole = polygons(portrait.landmarks, OPEN, 512)
    shapes = polygons(portrait.landmarks, (True, False), 512)
    assert whole.left_eye.any()
    assert not shapes.left_eye.any()
    np.testing.assert_array_equal(shapes.right_eye, whole.right_eye)
    np.testing.assert_array_equal(shapes.frozen, whole.frozen)
