"""Whether a video shows the same person all the time, and photos the same one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .crop import crop_around
from .detect import Face
from .fitter import Fitter
from .joint_fit import Sighting, fit_jointly
from .landmarks import INNER
from .similarity import half_pixel, similarity, unlikeness

_LOOK_PX = 64
CUT = 0.8
"""Likeness of a face from one picture to the next, brought onto each other: .9 and more in a shot
of 6 pictures a second, .74 and less from one person to another."""

_ANOTHER = 0.0135
"""Difference of two faces' shapes, root mean square in their sizes: .005 to .011 within a shot,
.016 and more between people."""

_STRAIN = 1.3
"""Of two photos of one person, made-up people in other light and pose included, hardly a pair is
above; of two people's a good third: what is noted is likely so, what is not may be so too."""

_FRAMES = 3  # of a shot, whose shapes are averaged
_NEAR = 25


class Shots:
    """Finds where a video cuts from one face to another. Pictures come one after the other."""

    def __init__(self) -> None:
        self._faces: list[Face] = []
        self._numbers: list[int] = []
        self._cuts = [0]
        self._frame: np.ndarray | None = None
        self._look: np.ndarray | None = None

    def see(self, rgb: np.ndarray, face: Face, number: int) -> None:
        """The next picture that shows a face.

        Args:
            rgb: [H, W, 3] uint8.
            face: In its pixels.
            number: Of the picture.
        """
        landmarks = face.landmarks[INNER, :2].astype(np.float64)
        frame = look_frame(landmarks) if self._frame is None else self._frame
        look = face_look(rgb, landmarks, frame)
        if self._look is not None and float((look * self._look).sum()) < CUT:
            self._cuts.append(len(self._faces))
        self._faces.append(face)
        self._numbers.append(number)
        self._frame, self._look = frame, look

    def people(self, fitter: Fitter) -> list[int]:
        """Numbers of the pictures from which on another person is shown than before."""
        ends = [*self._cuts[1:], len(self._faces)]
        changes = []
        for begin, cut, end in zip(self._cuts, ends, ends[1:], strict=False):
            before = _shape(fitter, self._faces[begin:cut][-_NEAR:])
            after = _shape(fitter, self._faces[cut:end][:_NEAR])
            if unlikeness(before, after) > _ANOTHER:
                changes.append(self._numbers[cut])
        return changes


def perhaps_others(fitter: Fitter, sightings: Sequence[Sighting]) -> list[int]:
    """Which of several photos seem to show another person than the first one does.

    Deviates: from `Shots`, whose measure wants several pictures of a face in one pose; of single
    photos it tells nothing.

    Args:
        fitter: Of the head that the sightings were fitted with.
        sightings: Of each photo.
    """
    first, *rest = sightings
    return [n for n, other in enumerate(rest, 1) if _strain(fitter, first, other) > _STRAIN]


def _strain(fitter: Fitter, first: Sighting, other: Sighting) -> float:
    """How many times worse two photos are fitted with one identity than with two."""
    pair = (first, other)
    joint = fit_jointly(fitter, pair)
    own = zip(joint, pair, strict=True)
    return float(np.mean([fit.error_px / seen.fit.error_px for fit, seen in own]))


def look_frame(landmarks: np.ndarray) -> np.ndarray:
    """[K, 2] landmarks in a look of the face."""
    away = landmarks - landmarks.min(0)
    return away / away.max() * (_LOOK_PX - 4) + 2


def face_look(rgb: np.ndarray, landmarks: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """[64, 64] a face in grey, of mean 0 and length 1, its landmarks brought onto others."""
    matrix = similarity(landmarks, frame)
    blur = 0.4 / np.linalg.norm(matrix[:, 0])
    low = np.maximum(np.floor(landmarks.min(0) - 4 * blur).astype(int), 0)
    high = np.ceil(landmarks.max(0) + 4 * blur).astype(int)
    grey = cv2.cvtColor(rgb[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
    if blur > 0.4:
        grey = cv2.GaussianBlur(grey, (0, 0), float(blur))
    matrix[:, 2] += matrix[:, :2] @ low
    seen = cv2.warpAffine(grey, half_pixel(matrix), (_LOOK_PX, _LOOK_PX)).astype(np.float32)
    seen -= seen.mean()
    return seen / max(float(np.linalg.norm(seen)), 1e-6)


def _shape(fitter: Fitter, shot: list[Face]) -> np.ndarray:
    """[K, 2] a face from the front without expression, about its middle and of size 1."""
    chosen = np.unique(np.linspace(0, len(shot) - 1, _FRAMES).astype(int))
    shapes = []
    for face in (shot[number] for number in chosen):
        fit = fitter.fit(crop_around(face).points(face.landmarks[:, :2]), face.blendshapes)
        assert fit.track.betas is not None
        points = fitter.neutral(fit.track.betas)[INNER, :2]
        points = points - points.mean(0)
        shapes.append(points / np.sqrt((points**2).sum(1).mean()))
    return np.mean(shapes, axis=0)
