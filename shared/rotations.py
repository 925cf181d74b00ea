"""Rotations as axis-angles, matrices and six numbers: float64, vectorised, radians."""

from __future__ import annotations

import numpy as np


def rotation_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """[..., 3] axis-angle, radians -> [..., 3, 3] float64 (Rodrigues)."""
    vector = np.asarray(axis_angle, np.float64)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    cross = cross.reshape(*vector.shape[:-1], 3, 3)
    # sinc keeps both factors exact at angle 0.
    sine = np.sinc(angle / np.pi)
    cosine = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + sine * cross + cosine * (cross @ cross)


def quaternion(matrix: np.ndarray) -> np.ndarray:
    """[..., 3, 3] nearly rotation -> [..., 4] wxyz, w >= 0.

    The largest component is taken first, so that no angle loses precision.
    """
    m = np.asarray(matrix, np.float64)
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squared = np.stack([1 + d0 + d1 + d2, 1 + d0 - d1 - d2, 1 - d0 + d1 - d2, 1 - d0 - d1 + d2], -1)
    wx, wy, wz = (m[..., i, j] - m[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    xy, xz, yz = (m[..., i, j] + m[..., j, i] for i, j in ((1, 0), (0, 2), (2, 1)))
    products = np.stack(
        [
            np.stack([squared[..., 0], wx, wy, wz], -1),
            np.stack([wx, squared[..., 1], xy, xz], -1),
            np.stack([wy, xy, squared[..., 2], yz], -1),
            np.stack([wz, xz, yz, squared[..., 3]], -1),
        ],
        axis=-2,
    )
    largest = squared.argmax(-1)[..., None, None]
    chosen = np.take_along_axis(products, largest, axis=-2)[..., 0, :]
    chosen = chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
    return np.where(chosen[..., :1] < 0, -chosen, chosen)


def axis_angle(matrix: np.ndarray) -> np.ndarray:
    """[..., 3, 3] nearly rotation -> [..., 3] axis-angle, radians, angle <= pi."""
    quats = quaternion(matrix)
    vector = quats[..., 1:]
    sine = np.linalg.norm(vector, axis=-1, keepdims=True)
    small = sine < 1e-12
    factor = 2 * np.arctan2(sine, quats[..., :1]) / np.where(small, 1.0, sine)
    return np.where(small, 0.0, vector * factor)


def from_six(six: np.ndarray) -> np.ndarray:
    """[..., 6] -> [..., 3, 3]: the six are a rotation's first two rows, as PyTorch3D has them.

    Zeros, or two parallel rows, are no rotation: the result is not finite.
    """
    six = np.asarray(six, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        first = six[..., :3] / np.linalg.norm(six[..., :3], axis=-1, keepdims=True)
        second = six[..., 3:] - (first * six[..., 3:]).sum(-1, keepdims=True) * first
        second = second / np.linalg.norm(second, axis=-1, keepdims=True)
        return np.stack([first, second, np.cross(first, second)], axis=-2)


def between(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    """[T, 3] axis-angles at `part` [T, 1] of the way from `first` to `second` (slerp)."""
    start = rotation_matrix(first)
    turn = np.swapaxes(start, -1, -2) @ rotation_matrix(second)
    return axis_angle(start @ rotation_matrix(axis_angle(turn) * part))
