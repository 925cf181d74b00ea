"""Cuts in a video, by its colours and where they are."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

_BINS = 8  # per channel
_THUMBNAIL = (64, 64)
_LAYOUT = (8, 8)
_OTHER_COLOURS = 0.35
"""Bhattacharyya distance; heads that move, and lamps, make .05 to .2."""

_OTHER_PLACES = 30.0
"""Mean difference of the layouts, 0..255; heads that move make 3 to 15, a turn of the camera 40."""


def colours(bgr: np.ndarray) -> np.ndarray:
    """[512] histogram of a picture's colours, sums to 1."""
    small = cv2.resize(bgr, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    histogram = cv2.calcHist([small], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3).ravel()
    # Neighbouring bins share, so that a slight change of light is a slight change here.
    blurred = cv2.GaussianBlur(histogram.reshape(_BINS, -1), (3, 3), 0.8).ravel()
    return blurred / blurred.sum()


def find_shots(frames: Iterable[tuple[int, np.ndarray]]) -> list[list[int]]:
    """Numbers of the frames of each shot.

    Args:
        frames: Number and [H, W, 3] uint8 BGR.
    """
    shots: list[list[int]] = []
    before = None
    for number, bgr in frames:
        layout = cv2.resize(bgr, _LAYOUT, interpolation=cv2.INTER_AREA).astype(np.float32)
        now = colours(bgr), layout
        if before is None or _cut(before, now):
            shots.append([])
        shots[-1].append(number)
        before = now
    return shots


_Look = tuple[np.ndarray, np.ndarray]


def _cut(before: _Look, now: _Look) -> bool:
    colour = np.sqrt(max(0.0, 1 - np.sqrt(before[0] * now[0]).sum()))
    place = np.abs(before[1] - now[1]).mean()
    return bool(colour > _OTHER_COLOURS or place > _OTHER_PLACES)
