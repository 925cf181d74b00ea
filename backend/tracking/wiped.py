"""Round pictures and the like: where colours under clear alpha were wiped, there is no picture."""

from __future__ import annotations

import cv2
import numpy as np

_ALIKE = 2  # of 255, between the colours of what was wiped
_CLEAR = 8  # of 255
_FEW = 64  # pixels, of which nobody can tell


def wiped(rgb: np.ndarray, alpha: np.ndarray | None) -> np.ndarray | None:
    """[H, W] bool: what is clear and has one colour; None where nothing is.

    Args:
        rgb: [H, W, 3] uint8.
        alpha: [H, W] uint8, or None.
    """
    if alpha is None:
        return None
    clear = alpha < _CLEAR
    if clear.sum() < _FEW or clear.all():
        return None
    return clear if int(np.ptp(rgb[clear], axis=0).max()) <= _ALIKE else None


def filled(rgb: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """[H, W, 3] uint8 whose empty pixels have the colour of the nearest that are not.

    What looks for people takes a black or white border for a part of them.

    Args:
        rgb: [H, W, 3] uint8.
        empty: [H, W] bool, not all of it.
    """
    grown = cv2.dilate(empty.astype(np.uint8), np.ones((3, 3), np.uint8))  # the rim is mixed
    grown = empty.astype(np.uint8) if grown.all() else grown
    _, labels = cv2.distanceTransformWithLabels(
        grown, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    sound = grown == 0
    numbers = np.asarray(labels, np.int64)
    source = np.zeros(int(numbers.max()) + 1, np.int64)
    source[numbers[sound]] = np.flatnonzero(sound)
    result = rgb.copy()
    result[~sound] = rgb.reshape(-1, 3)[source[numbers[~sound]]]
    return result
