"""Landmarks that stay on the skin: where optical flow says they went since they were first seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .crop import PORTRAIT_PX, crop_around
from .detect import Face
from .landmarks import FEATURES, INNER
from .similarity import half_pixel, moved, similarity

_BACK_PX = 1.0
"""A place that is followed and followed back comes out this near to where it began."""

_FAR_PX, _FAR_FEATURES_PX = 8.0, 1.0
"""Where flow says more than the detector errs by, it went astray, as where lips part. Lips and lids
are what expressions are read from: there it only steadies them. Pixels of the crop."""

_LEAST_FOLLOWED = 0.25
"""Share of the face that must be followed; else it is another face, or seen from elsewhere."""


@dataclass(frozen=True)
class _First:
    """A face as it was first seen, in its crop: grey [S, S] and landmarks [478, 2]."""

    grey: np.ndarray
    landmarks: np.ndarray


_FAR = np.full(478, _FAR_PX)
_FAR[list(FEATURES)] = _FAR_FEATURES_PX


class FaceFollower:
    """Corrects a video's landmarks: the detector guesses them anew, some pixels off, every time.

    Dense optical flow from the first picture of the face (Kroeger et al., "Fast optical flow using
    dense inverse search", 2016), both ways. Where it is not the same both ways (lids that close,
    lips that open, what turns away), the detector's word stands.
    """

    def __init__(self) -> None:
        self._first: _First | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def follow(self, rgb: np.ndarray, face: Face) -> Face:
        """The face with landmarks where the first one's went.

        Args:
            rgb: [H, W, 3] uint8, all of one size.
            face: As detected, in pixels of the picture.
        """
        landmarks = face.landmarks[:, :2].astype(np.float64)
        if self._first is None:
            crop = crop_around(face)
            self._first = _First(_seen(rgb, crop.matrix()), crop.points(landmarks))
            return face
        to_first = similarity(landmarks[INNER], self._first.landmarks[INNER])
        detected = moved(to_first, landmarks)
        away, trust = self._followed(_seen(rgb, to_first), detected)
        if trust[INNER].mean() < _LEAST_FOLLOWED:
            return face
        found = detected + trust[:, None] * away
        corrected = face.landmarks.copy()
        corrected[:, :2] = moved(cv2.invertAffineTransform(to_first), found)
        return replace(face, landmarks=corrected, followed=True)

    def _followed(self, grey: np.ndarray, detected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[478, 2] from detected landmarks to followed ones, and [478] 0..1 how far to trust it."""
        assert self._first is not None
        before = self._first.landmarks
        way = _at(self._flow.calc(self._first.grey, grey, None), before)  # type: ignore[call-overload]
        back = _at(self._flow.calc(grey, self._first.grey, None), before + way)  # type: ignore[call-overload]
        away = before + way - detected
        astray = np.linalg.norm(away, axis=1) / _FAR
        apart = np.linalg.norm(way + back, axis=1) / _BACK_PX
        return away, np.exp(-(astray**2) - apart**2)


def _seen(rgb: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """[S, S] grey: a picture through an affine map [2, 3] of its pixel coordinates."""
    size = (PORTRAIT_PX, PORTRAIT_PX)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return cv2.warpAffine(grey, half_pixel(matrix), size, flags=cv2.INTER_CUBIC)


def _at(flow: np.ndarray, places: np.ndarray) -> np.ndarray:
    """[N, 2] a flow's ways at places [N, 2]."""
    x, y = (places - 0.5).astype(np.float32).T[:, None]
    return cv2.remap(flow, x, y, cv2.INTER_LINEAR)[0]
