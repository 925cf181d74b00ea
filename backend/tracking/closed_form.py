"""Closed-form matting: shares between two colours that change along a line in every small window.

Source: Levin, Lischinski and Weiss, "A closed-form solution to natural image matting", 2008.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import cg

_WINDOW = 9  # pixels of one: 3 x 3
_EPSILON = 1e-6
_TOLERANCE = 1e-4
_MOST_STEPS = 400


def closed_form(rgb: np.ndarray, matte: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The matte where it is not known, from colours and from what is known around it.

    Args:
        rgb: [H, W, 3] float 0..1.
        matte: [H, W] 0..1: true where known; elsewhere where to start.
        known: [H, W] bool.

    Returns:
        [H, W] float32 0..1.
    """
    windows = _windows(~known)
    used, numbers = np.unique(windows, return_inverse=True)
    unknown = ~known.ravel()[used]
    if not unknown.any():
        return matte.astype(np.float32)
    laplacian = _laplacian(rgb.reshape(-1, 3)[windows].astype(np.float64), numbers, len(used))
    value = matte.ravel()[used].astype(np.float64)
    rows = laplacian[unknown]
    inner = rows[:, unknown]
    pull = -(rows[:, ~unknown] @ value[~unknown])
    scale = diags(1 / np.maximum(inner.diagonal(), _EPSILON))
    solved, _ = cg(inner, pull, x0=value[unknown], rtol=_TOLERANCE, maxiter=_MOST_STEPS, M=scale)
    result = matte.astype(np.float32).ravel()
    result[used[unknown]] = np.clip(solved, 0, 1)
    return result.reshape(matte.shape)


def _windows(unknown: np.ndarray) -> np.ndarray:
    """[N, 9] flat indices of the windows that hold unknown pixels."""
    width = unknown.shape[1]
    near = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8))
    y, x = np.nonzero(near[1:-1, 1:-1])
    return (y * width + x)[:, None] + (np.arange(3)[:, None] * width + np.arange(3)).ravel()


def _laplacian(colours: np.ndarray, numbers: np.ndarray, count: int) -> csr_matrix:
    """[count, count] the matting Laplacian of windows [N, 9, 3] of pixels numbered [N, 9]."""
    offset = colours - colours.mean(1, keepdims=True)
    spread = np.einsum("nki,nkj->nij", offset, offset) + _EPSILON * np.eye(3)
    alike = (1 / _WINDOW) + offset @ np.linalg.solve(spread, offset.transpose(0, 2, 1))
    numbers = numbers.reshape(-1, _WINDOW)
    rows, columns = np.repeat(numbers, _WINDOW, axis=1), np.tile(numbers, (1, _WINDOW))
    affinity = csr_matrix((alike.ravel(), (rows.ravel(), columns.ravel())), (count, count))
    return diags(np.bincount(numbers.ravel(), minlength=count).astype(float)) - affinity
