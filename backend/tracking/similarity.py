"""Turn, scale and shift between two sets of points in a picture."""

from __future__ import annotations

import numpy as np


def similarity(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """[2, 3] the least-squares rotation, scale and shift of points [N, 2] onto others.

    Source: Umeyama 1991, in the plane: complex numbers say it in one division.
    """
    a = points[:, 0] + 1j * points[:, 1]
    b = onto[:, 0] + 1j * onto[:, 1]
    turn = np.vdot(a - a.mean(), b - b.mean()) / np.vdot(a - a.mean(), a - a.mean())
    shift = b.mean() - turn * a.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def moved(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [N, 2] through an affine map [2, 3]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def unlikeness(points: np.ndarray, others: np.ndarray) -> float:
    """Root mean square distance of points [N, 2], brought onto others, from them."""
    away = moved(similarity(points, others), points) - others
    return float(np.sqrt((away**2).sum(1).mean()))


def half_pixel(matrix: np.ndarray) -> np.ndarray:
    """An affine map [2, 3] as `cv2.warpAffine` wants it, which puts pixel centres at integers; our
    coordinates have them at half-integers."""
    centred = matrix.copy()
    centred[:, 2] += 0.5 * (matrix[:, :2].sum(1) - 1)
    return centred
