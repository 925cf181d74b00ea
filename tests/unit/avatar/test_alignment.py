"""Another person's face is brought to the driver's size and place; one's own is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from backend.avatar.alignment import RIGID, aligned
from backend.tracking.detect import Face
from backend.tracking.video import Tracked
from shared.camera import Camera
from shared.flame import Track
from shared.progress import silent

_FRAMES = 12


class Drawing:
    """Draws a head [478, 3], and reads where its points are."""

    def __init__(self, points: np.ndarray) -> None:
        self.points, self.looks = points, 0
        self._seen = np.zeros((0, 2))

    def drawn(self, number: int, camera: Camera) -> np.ndarray:
        self.looks += 1
        self._seen = camera.project(self.points)
        return np.zeros((camera.height, camera.width, 3), np.uint8)

    def detect(self, rgb: np.ndarray) -> list[Face]:
        inside = ((self._seen > 0) & (self._seen < rgb.shape[1])).all()
        landmarks = np.append(self._seen, np.zeros((478, 1)), axis=1)
        return [Face(landmarks, {}, np.eye(4))] if inside else []


def cameras() -> list[Camera]:
    """A person walks through the picture."""
    intrinsics = np.array([[1800.0, 0, 320], [0, 1800, 240], [0, 0, 1]])
    views = []
    for number in range(_FRAMES):
        viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
        viewmat[:3, 3] = [0.01 * number, 0, 1.5]
        views.append(Camera(viewmat, intrinsics, 640, 480))
    return views


@pytest.fixture
def face(open_head) -> np.ndarray:
    return open_head.embed_landmarks(open_head.v_template).numpy().astype(np.float64)


def driving(points: np.ndarray, missing: tuple[int, ...] = ()) -> Tracked:
    landmarks = np.array([camera.project(points) for camera in cameras()])
    landmarks[list(missing)] = np.nan
    return Tracked(
        Track.neutral(_FRAMES), cameras(), list(missing), [], [], landmarks, np.zeros((_FRAMES, 3))
    )


@pytest.mark.parametrize("missing", [(), (0, 3, 4)])
def test_another_persons_face_gets_the_drivers_size_and_place(face, missing):
    other = face * [1.08, 0.98, 1.0] + [0.004, -0.003, 0]
    clip, avatar = driving(other, missing), Drawing(face)
    found = aligned(cameras(), clip, avatar.drawn, avatar.detect, silent)
    rigid = list(RIGID)
    for number in range(_FRAMES):
        ours = found[number].project(face)[rigid]
        theirs = cameras()[number].project(other)[rigid]
        eyes = np.linalg.norm(theirs[0] - theirs[3])
        assert np.linalg.norm(ours.mean(0) - theirs.mean(0)) < 0.01 * eyes
        assert abs(_size(ours) / _size(theirs) - 1) < 0.005


def test_oneself_in_another_photo_gets_the_size_of_the_clip(face):
    clip, avatar = driving(1.02 * face), Drawing(face)
    found = aligned(cameras(), clip, avatar.drawn, avatar.detect, silent)
    rigid = list(RIGID)
    ours, theirs = found[0].project(face)[rigid], cameras()[0].project(1.02 * face)[rigid]
    assert abs(_size(ours) / _size(theirs) - 1) < 0.005


def test_ones_own_face_stays_though_the_detector_errs(face):
    clip, avatar = driving(1.009 * face), Drawing(face)
    found = aligned(cameras(), clip, avatar.drawn, avatar.detect, silent)
    for camera, before in zip(found, cameras(), strict=True):
        np.testing.assert_array_equal(camera.viewmat, before.viewmat)
    assert avatar.looks <= 7, "no second round"


def test_without_a_face_to_compare_the_cameras_stay(face):
    clip, avatar = driving(face * [1.1, 1, 1]), Drawing(face + [9.0, 0, 0])
    found = aligned(cameras(), clip, avatar.drawn, avatar.detect, silent)
    np.testing.assert_array_equal(found[5].viewmat, cameras()[5].viewmat)


def _size(points: np.ndarray) -> float:
    return float(np.linalg.norm(points - points.mean(0)))
