"""Landmarks, expression scores and pose by MediaPipe: stand-ins for AKD, AED and APD."""

from __future__ import annotations

from typing import Literal

import numpy as np

from backend.losses.pixels import psnr
from backend.tracking.detect import Detector, Face

from .shot import Shot

AKD_SIDE_PX = 256
"""Key point distances are in pixels of a picture of this side."""

_REMEMBERED = 8


class FaceReader:
    """One landmarker for several metrics; remembers the latest pictures."""

    def __init__(self) -> None:
        self._detector: Detector | None = None
        self._seen: dict[Shot, Face | None] = {}

    def face(self, shot: Shot) -> Face | None:
        """The largest face; None when none is found."""
        if shot not in self._seen:
            if self._detector is None:
                self._detector = Detector()
            faces = self._detector.detect(shot.pixels)
            while len(self._seen) >= _REMEMBERED:
                self._seen.pop(next(iter(self._seen)))
            self._seen[shot] = faces[0] if faces else None
        return self._seen[shot]

    def close(self) -> None:
        """Frees the landmarker."""
        if self._detector is not None:
            self._detector.close()
        self._detector = None
        self._seen.clear()


class _FaceMetric:
    against: Literal["target", "source"] = "target"

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader

    def describe(self, shot: Shot) -> np.ndarray | None:
        """None where no face is found."""
        face = self._reader.face(shot)
        return None if face is None else self._numbers(face, shot)

    def _numbers(self, face: Face, shot: Shot) -> np.ndarray:
        raise NotImplementedError

    def compare(self, result: np.ndarray, reference: np.ndarray) -> float:
        """Mean absolute difference; lower is nearer."""
        return float(np.abs(result - reference).mean())

    def close(self) -> None:
        """Frees the shared landmarker."""
        self._reader.close()


class PsnrFace:
    """Peak signal-to-noise ratio inside the box of the target's face, dB; equal ones count 100."""

    name = "psnr_face"
    against: Literal["target", "source"] = "target"

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader

    def describe(self, shot: Shot) -> tuple[np.ndarray, np.ndarray | None]:
        """The picture [H, W, 3] 0..1, and its face's box [4]; None where no face is found."""
        face = self._reader.face(shot)
        return shot.pixels / 255, None if face is None else face.box

    def compare(
        self,
        result: tuple[np.ndarray, np.ndarray | None],
        reference: tuple[np.ndarray, np.ndarray | None],
    ) -> float | None:
        """Higher is nearer; None for a target without a face."""
        target, box = reference
        if box is None:
            return None
        height, width = target.shape[:2]
        x0, y0, x1, y1 = box.round().astype(int).clip(0, [width, height, width, height])
        inside = np.zeros((height, width), bool)
        inside[y0 : y1 + 1, x0 : x1 + 1] = True
        return min(psnr(result[0], target, inside), 100.0)  # infinity has no mean

    def close(self) -> None:
        """Frees the shared landmarker."""
        self._reader.close()


class ExprDistArkit(_FaceMetric):
    """Mean absolute difference of the 52 ARKit-named expression scores (stands in for AED)."""

    name = "expr_dist_arkit"

    def _numbers(self, face: Face, shot: Shot) -> np.ndarray:
        return np.array([face.blendshapes[name] for name in sorted(face.blendshapes)])


class PoseDistMp(_FaceMetric):
    """Mean absolute difference of yaw, pitch and roll, radians (stands in for APD)."""

    name = "pose_dist_mp"

    def _numbers(self, face: Face, shot: Shot) -> np.ndarray:
        return np.radians(face.yaw_pitch_roll_deg)


class AkdMp(_FaceMetric):
    """Mean distance of the 478 landmarks, pixels of a 256-pixel picture (stands in for AKD)."""

    name = "akd_mp"

    def _numbers(self, face: Face, shot: Shot) -> np.ndarray:
        height, width = shot.pixels.shape[:2]
        return face.landmarks[:, :2] * [AKD_SIDE_PX / width, AKD_SIDE_PX / height]

    def compare(self, result: np.ndarray, reference: np.ndarray) -> float:
        """Mean Euclidean distance; lower is nearer."""
        return float(np.linalg.norm(result - reference, axis=-1).mean())
