"""Landmarks that stay on the skin: where optical flow says they went since they were first seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .crop import PORTRAIT_PX, Crop, crop_around
from .detect import Face, Flow
from .landmarks import FEATURES, INNER, LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS
from .similarity import half_pixel, moved, similarity

_BACK_PX = 1.0
"""A place that is followed and followed back comes out this near to where it began."""

_FAR_PX, _FAR_FEATURES_PX = 8.0, 1.0
"""Where flow says more than the detector errs by, it went astray, as where lips part. Lips and lids
are what expressions are read from: there it only steadies them. Pixels of the crop."""

_TURN = np.radians(4.0)
"""Hair stands some centimetres before the scalp that it is taken for: turned by this much, it moves
as much otherwise as flow errs by."""

_LEAST_FOLLOWED = 0.25
"""Share of the face that must be followed; else it is another face, or seen from elsewhere."""


@dataclass(frozen=True)
class _First:
    """A face as it was first seen: its crop, [S, S] grey, with [478, 2] landmarks, and [3] the way
    to the camera as the head had it."""

    crop: Crop
    grey: np.ndarray
    landmarks: np.ndarray
    ahead: np.ndarray


_IRISES = ((list(RIGHT_IRIS), list(RIGHT_EYE)), (list(LEFT_IRIS), list(LEFT_EYE)))
"""With the lids that they look through, whose flow is theirs too: irises slide beneath it. Where
the lids were followed to, they go along; where they look, the detector says."""

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
        self._skull = np.zeros((0, 2))
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def follow_also(self, skull: np.ndarray) -> None:
        """Tells where the first picture shows the skull, [S, 2] pixels of it, to be followed too:
        neither lids nor lips move it."""
        if self._first is not None:
            self._skull = self._first.crop.points(skull)

    def follow(self, rgb: np.ndarray, face: Face) -> Face:
        """The face with landmarks where the first one's went.

        Args:
            rgb: [H, W, 3] uint8, all of one size.
            face: As detected, in pixels of the picture.
        """
        landmarks = face.landmarks[:, :2].astype(np.float64)
        if self._first is None:
            crop = crop_around(face)
            grey = _seen(rgb, crop.matrix())
            self._first = _First(crop, grey, crop.points(landmarks), _ahead(face))
            return face
        to_first = similarity(landmarks[INNER], self._first.landmarks[INNER])
        detected = moved(to_first, landmarks)
        before = np.concatenate([self._first.landmarks, self._skull])
        went, apart_px = self._went(_seen(rgb, to_first), before)
        same = np.exp(-((apart_px / _BACK_PX) ** 2))
        away = went[:478] - detected
        trust = same[:478] * np.exp(-((np.linalg.norm(away, axis=1) / _FAR) ** 2))
        if trust[INNER].mean() < _LEAST_FOLLOWED:
            return face
        correction = trust[:, None] * away
        for iris, rim in _IRISES:
            correction[iris] = correction[rim].mean(0)
        back = cv2.invertAffineTransform(to_first)
        corrected = face.landmarks.copy()
        corrected[:, :2] = moved(back, detected + correction)
        turn = np.arccos(np.clip(self._first.ahead @ _ahead(face), -1, 1))
        skull_trust = same[478:] / np.hypot(1, turn / _TURN)
        flow = Flow(trust, moved(back, went[478:]), skull_trust)
        return replace(face, landmarks=corrected, flow=flow)

    def _went(self, grey: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[N, 2] where places [N, 2] of the first picture are in another one, and [N] how far from
        where they were they come out when followed back, pixels."""
        assert self._first is not None
        way = _at(self._flow.calc(self._first.grey, grey, None), before)  # type: ignore[call-overload]
        back = _at(self._flow.calc(grey, self._first.grey, None), before + way)  # type: ignore[call-overload]
        return before + way, np.linalg.norm(way + back, axis=1)


def _ahead(face: Face) -> np.ndarray:
    """[3] the way to the camera as the head has it, of length 1."""
    way = face.pose[2, :3]
    return way / np.linalg.norm(way)


def _seen(rgb: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """[S, S] grey: a picture through an affine map [2, 3] of its pixel coordinates."""
    size = (PORTRAIT_PX, PORTRAIT_PX)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return cv2.warpAffine(grey, half_pixel(matrix), size, flags=cv2.INTER_CUBIC)


def _at(flow: np.ndarray, places: np.ndarray) -> np.ndarray:
    """[N, 2] a flow's ways at places [N, 2]."""
    x, y = (places - 0.5).astype(np.float32).T[:, None]
    return cv2.remap(flow, x, y, cv2.INTER_LINEAR)[0]
