"""Which face of a video's picture is the one that was followed so far."""

from __future__ import annotations

import numpy as np

from .detect import Face
from .landmarks import INNER
from .people import CUT, face_look, look_frame

_MOVED = 0.6  # of a face's size, from one picture to the next
_GROWN = 1.5
_PATIENCE_S = 1.0
"""How long a person may be hidden by another one before the other is taken for them."""


class SamePerson:
    """Keeps to one person while others come and go. Pictures come one after the other.

    Args:
        fps: Pictures per second.

    Attributes:
        swapped: Whether the face chosen last is another person's than the one before.
    """

    def __init__(self, fps: float) -> None:
        self._patience = max(round(_PATIENCE_S * fps), 1)
        self._last: Face | None = None
        self._look: np.ndarray | None = None
        self._frame: np.ndarray | None = None
        self._missed = 0
        self.swapped = False

    def choose(self, rgb: np.ndarray, faces: list[Face]) -> Face | None:
        """The person's face: where it was, else the one that looks like it, else in the end any.

        Args:
            rgb: [H, W, 3] uint8.
            faces: In its pixels, largest first.
        """
        last, self.swapped = self._last, False
        if last is None:
            return faces[0] if faces else None
        near = [face for face in faces if _near(face, last)]
        if near:
            return min(near, key=lambda face: _gap(face, last))
        alike = [face for face in faces if self._likeness(rgb, face) >= CUT]
        if not alike and self._missed < self._patience:
            return None
        self.swapped = bool(faces) and not alike
        return next(iter(alike or faces), None)

    def see(self, rgb: np.ndarray, face: Face | None) -> None:
        """What was chosen in the picture, or that nothing was; untold, it is the largest always."""
        if face is None:
            self._missed += 1
            return
        self._missed = 0
        if self._frame is None:
            self._frame = look_frame(_inner(face))
        self._last, self._look = face, face_look(rgb, _inner(face), self._frame)

    def _likeness(self, rgb: np.ndarray, face: Face) -> float:
        assert self._look is not None
        assert self._frame is not None
        return float((face_look(rgb, _inner(face), self._frame) * self._look).sum())


def _inner(face: Face) -> np.ndarray:
    return face.landmarks[INNER, :2].astype(np.float64)


def _gap(face: Face, last: Face) -> float:
    middles = (face.landmarks[:, :2].mean(0), last.landmarks[:, :2].mean(0))
    return float(np.linalg.norm(middles[0] - middles[1])) / last.size_px


def _near(face: Face, last: Face) -> bool:
    ratio = face.size_px / last.size_px
    return _gap(face, last) < _MOVED and 1 / _GROWN < ratio < _GROWN
