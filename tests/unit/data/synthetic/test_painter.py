"""Made-up people: the same seed gives the same picture, in the frame's own words."""

from __future__ import annotations

import numpy as np
import pytest

from backend.data.synthetic.painter import Painter
from backend.data.synthetic.synthesise import Recipe, make_frame
from backend.head import Head
from backend.tracking.detect import Detector

RECIPE = Recipe(identities=3, frames=2, size_px=64, seed=5)


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(Head.load())


def test_the_same_seed_paints_the_same_frame_and_another_does_not(painter):
    first, again = (make_frame(painter, RECIPE, 1, 1) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.camera.viewmat, again.camera.viewmat)
    other = make_frame(painter, Recipe(3, 2, 64, seed=6), 1, 1)
    assert not np.array_equal(first.image, other.image)


def test_a_person_keeps_their_looks_and_changes_what_they_do(painter):
    calm, acting = (make_frame(painter, RECIPE, 0, index) for index in range(2))
    assert calm.track.betas is not None
    assert acting.track.betas is not None
    np.testing.assert_array_equal(calm.track.betas, acting.track.betas)
    assert not np.array_equal(calm.track.expression, acting.track.expression)


def test_pictures_are_black_outside_their_matte_and_the_box_holds_the_head(painter):
    frame = make_frame(painter, RECIPE, 2, 0)
    assert frame.alpha is not None
    assert not frame.image[frame.alpha == 0].any()
    assert 0.15 < (frame.alpha > 127).mean() < 0.8
    x0, y0, x1, y1 = frame.box
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert frame.track.head == "open"
    assert not frame.track.global_orient.any()


def test_a_face_detector_takes_the_picture_for_a_face(painter):
    frame = make_frame(painter, Recipe(3, 2, 256, seed=5), 0, 0)
    with Detector() as detector:
        faces = detector.detect(frame.image)
    assert len(faces) == 1
    vertices = painter.head.vertices_of(frame.track)[0]
    landmarks = frame.camera.project(painter.head.embed_landmarks(vertices).numpy())
    error = np.linalg.norm(faces[0].landmarks[:468, :2] - landmarks[:468], axis=1)
    assert error.mean() < 6  # of 256 pixels
