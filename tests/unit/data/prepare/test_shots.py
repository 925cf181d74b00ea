"""Cuts are new places, not motion."""

from __future__ import annotations

import cv2
import numpy as np

from backend.data.prepare.shots import find_shots


def scene(seed: int, shift: float, light: float = 1.0) -> np.ndarray:
    """A made-up place with something in the middle that moves."""
    rng = np.random.default_rng(seed)
    place = cv2.resize(rng.integers(0, 255, (5, 5, 3), np.uint8), (320, 240))
    cv2.circle(place, (int(160 + shift), 120), 60, (140, 170, 220), -1)
    return np.clip(place * light, 0, 255).astype(np.uint8)


def test_motion_and_slight_changes_of_light_are_no_cuts_and_new_places_are() -> None:
    frames = [scene(1, 40 * np.sin(i), 1 + 0.02 * i) for i in range(8)]
    frames += [scene(2, 0), scene(2, 5)]
    frames += [scene(3, i) for i in range(4)]
    shots = find_shots(enumerate(frames))
    assert shots == [list(range(8)), [8, 9], [10, 11, 12, 13]]
