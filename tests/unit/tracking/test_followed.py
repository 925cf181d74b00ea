"""Landmarks that stay on the skin: against pictures moved in ways that are known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.tracking.detect import Face
from backend.tracking.faces import choose
from backend.tracking.followed import FaceFollower
from backend.tracking.landmarks import FEATURES, INNER, LANDMARKS, OUTER_LIPS, RIGHT_EYE, RIGHT_IRIS
from backend.tracking.portrait import Tracker
from backend.tracking.similarity import half_pixel, moved

_ERRS_PX = 1.2
SKIN = np.setdiff1d(INNER, FEATURES)


@pytest.fixture(scope="module")
def picture(astronaut: bytes) -> np.ndarray:
    decoded = cv2.imdecode(np.frombuffer(astronaut, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    return decoded


@pytest.fixture(scope="module")
def face(tracker: Tracker, picture: np.ndarray) -> Face:
    return choose(tracker.detector, picture)


def shown(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture through an affine map, with a camera's noise."""
    size = picture.shape[1::-1]
    seen = cv2.warpAffine(picture, half_pixel(matrix), size, flags=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 3, seen.shape)
    return np.clip(seen + noise, 0, 255).astype(np.uint8)


def told(face: Face, matrix: np.ndarray, errs_px: float = 0.0) -> Face:
    """The face as a detector tells it that errs."""
    landmarks = face.landmarks.copy()
    landmarks[:, :2] = moved(matrix, landmarks[:, :2])
    landmarks[:, :2] += np.random.default_rng(1).normal(0, errs_px, (478, 2))
    return replace(face, landmarks=landmarks)


@pytest.mark.parametrize(
    "matrix", [[[1, 0, 3.3], [0, 1, -2.6]], [[1.03, -0.12, 20], [0.12, 1.03, -9]]]
)
def test_landmarks_are_where_the_skin_went(
    picture: np.ndarray, face: Face, matrix: list[list[float]]
) -> None:
    way = np.array(matrix)
    follower = FaceFollower()
    assert follower.follow(picture, face) is face
    followed = follower.follow(shown(picture, way), told(face, way, _ERRS_PX))
    errors = np.linalg.norm(followed.landmarks - told(face, way).landmarks, axis=1)
    assert np.median(errors[SKIN]) < 0.25 * _ERRS_PX
    assert np.median(errors[list(OUTER_LIPS)]) < _ERRS_PX, "lips are steadied"
    np.testing.assert_array_equal(followed.landmarks[:, 2], told(face, way, 0).landmarks[:, 2])
    assert followed.blendshapes == face.blendshapes


def test_the_skull_goes_with_the_picture(picture: np.ndarray, face: Face) -> None:
    """Places above the brows, of which the detector says nothing."""
    follower = FaceFollower()
    follower.follow(picture, face)
    brow = face.landmarks[[70, 105, 9, 334, 300], :2]
    skull = np.concatenate([brow + [0, -15], brow + [0, -30]])
    follower.follow_also(skull)
    way = np.array([[1.03, -0.12, 20], [0.12, 1.03, -9]])
    flow = follower.follow(shown(picture, way), told(face, way, _ERRS_PX)).flow
    assert flow is not None
    assert flow.skull_trust.min() > 0.7
    away = np.linalg.norm(flow.skull - moved(way, skull), axis=1)
    assert np.median(away) < 0.25


def test_the_skull_counts_less_the_further_a_head_has_turned(
    picture: np.ndarray, face: Face
) -> None:
    follower = FaceFollower()
    follower.follow(picture, face)
    follower.follow_also(face.landmarks[[9, 10], :2])
    counts = []
    for degrees in (0, 4, 20):
        pose = face.pose.copy()
        pose[:3, :3] = pose[:3, :3] @ Rotation.from_euler("y", degrees, degrees=True).as_matrix()
        flow = follower.follow(picture, replace(face, pose=pose)).flow
        assert flow is not None
        counts.append(flow.skull_trust.mean())
    assert counts[0] > 0.95
    np.testing.assert_allclose(counts, np.array([1, 0.707, 0.196]) * counts[0], atol=0.02)


def test_the_detector_is_believed_where_nothing_can_be_followed(
    picture: np.ndarray, face: Face
) -> None:
    follower = FaceFollower()
    follower.follow(picture, face)
    elsewhere = np.random.default_rng(2).integers(0, 256, picture.shape, np.uint8)
    assert follower.follow(elsewhere, face) is face


def test_the_detector_is_believed_where_it_says_far_more(picture: np.ndarray, face: Face) -> None:
    """A lip that opens: the skin that was followed is no longer that landmark's."""
    follower = FaceFollower()
    follower.follow(picture, face)
    opened = told(face, np.eye(2, 3))
    lips = [13, 14, 312, 317]
    opened.landmarks[lips, 1] += 15
    followed = follower.follow(picture, opened)
    np.testing.assert_allclose(followed.landmarks[lips], opened.landmarks[lips], atol=0.01)


def test_irises_slide_beneath_lids_that_stay(picture: np.ndarray, face: Face) -> None:
    """Flow says of an iris what the lids around it do; the detector sees it turn."""
    follower = FaceFollower()
    follower.follow(picture, face)
    aside = told(face, np.eye(2, 3))
    aside.landmarks[LANDMARKS:, 0] += 3
    followed = follower.follow(picture, aside)
    went = followed.landmarks[LANDMARKS:]
    np.testing.assert_allclose(went, aside.landmarks[LANDMARKS:], atol=0.1)


def test_irises_go_where_their_lids_were_followed_to(picture: np.ndarray, face: Face) -> None:
    follower = FaceFollower()
    follower.follow(picture, face)
    low = told(face, np.eye(2, 3))
    low.landmarks[[*RIGHT_EYE, *RIGHT_IRIS], 1] += 0.2
    followed = follower.follow(picture, low)
    errors = followed.landmarks[LANDMARKS:, 1] - face.landmarks[LANDMARKS:, 1]
    assert np.abs(errors).max() < 0.05
