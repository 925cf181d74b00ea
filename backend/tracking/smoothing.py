"""Tracks smoothed over time: what is noise goes, blinks, consonants and cuts stay.

Source: Tomasi and Manduchi, Bilateral filtering for gray and color images, ICCV 1998; over time.
"""

from __future__ import annotations

import numpy as np

NOISE = {
    "transl": np.array([0.00015, 0.00015, 0.001]),
    "global_orient": np.array([0.001]),
    "leye_pose": np.array([0.015]),
    "reye_pose": np.array([0.015]),
    "neck_pose": np.array([0.005]),
    "jaw_pose": np.array([0.005]),
    "expression": np.array([0.04]),
}
"""What a still face varies by: two to three standard deviations of the fits of a video's frame with
sensor noise and compression, its landmarks followed. Metres, radians, and shares of a unit. Of each
picture, the detector guesses the irises anew."""

_SPREAD_FRAMES = 1.5
_REACH_FRAMES = 3


def smoothed(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows [T, n] averaged with what is near in time and not further away than noise."""
    return {name: _bilateral(rows, NOISE[name]) for name, rows in values.items()}


def _bilateral(rows: np.ndarray, noise: np.ndarray) -> np.ndarray:
    count = len(rows)
    total, weights = np.zeros_like(rows), np.zeros_like(rows)
    for step in range(-_REACH_FRAMES, _REACH_FRAMES + 1):
        other = np.arange(count) + step
        there = (other >= 0) & (other < count)
        near = rows[other.clip(0, count - 1)]
        away = ((near - rows) / noise) ** 2 + (step / _SPREAD_FRAMES) ** 2
        weight = np.exp(-away / 2) * there[:, None]
        total += weight * near
        weights += weight
    return total / weights
