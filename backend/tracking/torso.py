"""Where shoulders go in a video, by what moves below the chin."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from .detect import Face

BODY_WINDOW_S = 1.0
"""Where shoulders cannot be followed, motion of the head slower than this is the body's."""

HEAD_REACH_M = 0.05
"""How far a head shifts on its neck while the shoulders stay."""

_WORK_PX = 480
"""Longer side of the pictures that are compared."""

_BELOW, _BESIDE = 0.12, 1.2
"""From where below the chin, in heights of the face's box, and how far to each side of its middle,
in widths: cloth, no throat and little background."""

_MOST_POINTS, _LEAST_POINTS = 120, 12
_APART_PX = 5
_BACK_PX = 0.7  # a point that is followed back comes out this near to where it began
_WINDOW = (15, 15)


class TorsoTracker:
    """Follows points below the chin from one frame to the next.

    Sparse optical flow (Lucas & Kanade, pyramids), checked backwards; the median of its points.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._points = np.zeros((0, 2), np.float32)
        self._place = np.zeros(2)

    def follow(self, rgb: np.ndarray, face: Face | None) -> np.ndarray | None:
        """Where the torso is by now, [2] pixels of the frame from where it was in the first one.

        Args:
            rgb: [H, W, 3] uint8, all of one size.
            face: Where the face is; None where none is found.

        Returns:
            None where no torso can be followed.
        """
        scale = min(1.0, _WORK_PX / max(rgb.shape[:2]))
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if self._before is not None and len(self._points) >= _LEAST_POINTS:
            self._step(self._before, grey)
        lost = len(self._points) < _LEAST_POINTS
        if face is not None and len(self._points) < _MOST_POINTS // 2:
            self._points = _found(grey, face, scale)
        first, self._before = self._before is None, grey
        if (lost and not first) or len(self._points) < _LEAST_POINTS:
            return None
        return self._place / scale

    def _step(self, before: np.ndarray, now: np.ndarray) -> None:
        """Moves the points on, drops those that are lost, and adds up their median's way."""
        there, found = _flow(before, now, self._points)
        back, again = _flow(now, before, there)
        error = np.linalg.norm(back - self._points, axis=1)
        good = found & again & (error < _BACK_PX)
        if good.sum() >= _LEAST_POINTS:
            self._place = self._place + np.median(there[good] - self._points[good], axis=0)
        self._points = there[good]


def _flow(before: np.ndarray, now: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points [N, 2] are in the next picture, and [N] bool: which were found."""
    guess = points.copy()  # written to
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, now, points, guess, winSize=_WINDOW)
    return there, found[:, 0] > 0


def body_motion(head: np.ndarray, torso: np.ndarray, fps: float) -> np.ndarray:
    """The body's translation in every frame, [T, 3] metres from the first one.

    A tracker of the face sees one translation only. An avatar's shoulders stay where they are
    while its head moves (design.md, Head pose), so someone who walks through the picture would
    leave them behind. The body is where the shoulders are seen; how near it comes, and where they
    are not seen, is what is slow or large of the head's motion. In the first frame shoulders are as
    large and in the same place as in a portrait of it.

    Args:
        head: [T, 3] where the head's root joint is, from where it was in the first frame, metres:
            not its origin, which a nod alone moves.
        torso: [T, 2] the shoulders' own way, x and y; NaN where that is unknown.
        fps: Frames per second.
    """
    window = max(3, round(fps * BODY_WINDOW_S)) | 1
    body = median_filter(head, size=(window, 1), mode="nearest")
    body = gaussian_filter1d(body, window / 4, axis=0, mode="nearest")
    begun = np.clip(np.arange(len(body)) / window, 0, 1)[:, None]
    body[:, :2] -= (1 - begun) * body[0, :2]  # a smooth way's first place is ahead of who walks
    body[:, 2] -= body[0, 2]
    body[:, :2] = np.where(np.isfinite(torso), torso, body[:, :2])
    own = head - body
    distance = np.linalg.norm(own, axis=1, keepdims=True)
    own *= np.minimum(1, HEAD_REACH_M / np.maximum(distance, 1e-9))
    return head - own


def _found(grey: np.ndarray, face: Face, scale: float) -> np.ndarray:
    """[N, 2] corners below the chin."""
    x0, y0, x1, y1 = face.box * scale
    middle, width, height = (x0 + x1) / 2, x1 - x0, y1 - y0
    left, right = (int(np.clip(middle + s * _BESIDE * width, 0, grey.shape[1])) for s in (-1, 1))
    top = int(np.clip(y1 + _BELOW * height, 0, grey.shape[0]))
    mask = np.zeros(grey.shape, np.uint8)
    mask[top:, left:right] = 255
    if mask.any():
        corners = cv2.goodFeaturesToTrack(grey, _MOST_POINTS, 0.01, _APART_PX, mask=mask)
        if corners is not None:
            return corners.reshape(-1, 2)
    return np.zeros((0, 2), np.float32)
