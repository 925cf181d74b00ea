"""Where shoulders go: followed in pictures, and told from the head's motion."""

import cv2
import numpy as np
import pytest

from backend.tracking.detect import Face
from backend.tracking.torso import HEAD_REACH_M, TorsoTracker, body_motion

FACE = Face(np.array([[250, 60, 0], [390, 60, 0], [320, 200, 0.0]]), {}, np.eye(4))
UNSEEN = np.nan


def frame(head_px: tuple[float, float], torso_px: tuple[float, float]) -> np.ndarray:
    """[360, 640, 3]: a textured head above a textured torso, each moved by its own way."""
    rng = np.random.default_rng(0)
    picture = np.full((360, 640, 3), 90, np.uint8)
    for (x0, y0, x1, y1), move in (
        ((240, 40, 400, 205), head_px),
        ((150, 215, 490, 400), torso_px),
    ):
        patch = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (x1 - x0, y1 - y0))
        there = np.array([[1, 0, x0 + move[0]], [0, 1, y0 + move[1]]], float)
        cv2.warpAffine(patch, there, (640, 360), picture, borderMode=cv2.BORDER_TRANSPARENT)
    return picture


def test_shoulders_are_followed_and_the_head_is_not() -> None:
    ways = [(0, 0), (2, -1), (5, -1.5), (7, 0), (8, 1)]
    tracker = TorsoTracker()
    for number, way in enumerate(ways):
        found = tracker.follow(frame((-6 * number, 3 * number), way), FACE)
        assert found is not None
        np.testing.assert_allclose(found, way, atol=0.4)


def test_where_no_shoulders_show_none_are_followed() -> None:
    tracker = TorsoTracker()
    plain = np.full((360, 640, 3), 90, np.uint8)
    assert tracker.follow(plain, FACE) is None
    assert tracker.follow(frame((0, 0), (0, 0)), None) is None


def nod_and_walk(length: int = 100) -> np.ndarray:
    """Someone who nods by 1 cm at 3 Hz while walking half a metre through the picture."""
    time_s = np.arange(length) / 25
    head = np.zeros((length, 3))
    head[:, 0] = np.linspace(0, 0.5, length)
    head[:, 1] = 0.01 * np.sin(2 * np.pi * 3 * time_s)
    return head


def test_unseen_shoulders_walk_but_do_not_nod() -> None:
    head = nod_and_walk()
    body = body_motion(head, np.full((100, 2), UNSEEN), 25)
    middle = slice(20, 80)
    np.testing.assert_allclose(body[middle, 0], head[middle, 0], atol=0.005)
    np.testing.assert_allclose(body[middle, 1], 0, atol=0.005)


def test_seen_shoulders_are_where_they_are_seen() -> None:
    head = nod_and_walk()
    seen = np.stack([head[:, 0] - 0.02, np.zeros(100)], axis=1)
    body = body_motion(head, seen, 25)
    np.testing.assert_allclose(body[:, :2], seen, atol=1e-9)


def test_shoulders_begin_where_they_were() -> None:
    head = np.zeros((100, 3))
    head[:, ::2] = np.linspace(0, 0.1, 100)[:, None] + 0.004 * np.cos(np.arange(100))[:, None]
    body = body_motion(head, np.full((100, 2), UNSEEN), 25)
    np.testing.assert_allclose(body[0], 0, atol=1e-12)
    np.testing.assert_allclose(body[-1], [0.1, 0, 0.1], atol=0.01)


@pytest.mark.parametrize("seen", [UNSEEN, 0.0])
def test_a_head_stays_on_its_neck(seen: float) -> None:
    jumps = np.array([[0, 0, 0], [0.2, 0, 0], [-0.3, 0.1, 0.2]])
    body = body_motion(jumps, np.full((3, 2), seen), 25)
    assert np.linalg.norm(jumps - body, axis=1).max() <= HEAD_REACH_M + 1e-9
