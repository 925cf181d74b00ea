"""Cuts in a video, by its colours."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

_BINS = 8  # per channel
_CUT = 0.5
_THUMBNAIL = (64, 64)


def colours(bgr: np.ndarray) -> np.ndarray:
    """[512] histogram of a picture's colours, sums to 1."""
    small = cv2.resize(bgr, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    histogram = cv2.calcHist([small], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3).ravel()
    # Neighbouring bins share, so that a slight change of light is a slight change here.
    blurred = cv2.GaussianBlur(histogram.reshape(_BINS, -1), (3, 3), 0.8).ravel()
    return blurred / blurred.sum()


def find_shots(frames: Iterable[tuple[int, np.ndarray]]) -> list[list[int]]:
    """Numbers of the frames of each shot.

    A cut is where the Bhattacharyya distance of two successive frames' colours exceeds 0.5: a
    head that moves before its background changes them by .1 or so.

    Args:
        frames: Number and [H, W, 3] uint8 BGR.
    """
    shots: list[list[int]] = []
    before = None
    for number, bgr in frames:
        now = colours(bgr)
        if before is None or np.sqrt(max(0.0, 1 - np.sqrt(before * now).sum())) > _CUT:
            shots.append([])
        shots[-1].append(number)
        before = now
    return shots
