"""Faces, 478 landmarks and 52 expression scores, through MediaPipe."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from backend.assets import FACE_LANDMARKER

from .task import LEAST_SIDE_PX, OpenTask

_MAXIMUM_FACES = 8
_SEARCHED_PX = 2048
"""Larger pictures are shrunk before detection, which shrinks them far more by itself."""


@dataclass(frozen=True)
class Flow:
    """How a video's face was followed from its first picture.

    Args:
        trust: [478] 0..1, how far its landmarks are where the skin went.
        skull: [S, 2] where the skull's places went, pixels of the picture.
        skull_trust: [S] 0..1, how far that may be believed.
    """

    trust: np.ndarray
    skull: np.ndarray
    skull_trust: np.ndarray


@dataclass(frozen=True)
class Face:
    """One detected face.

    Args:
        landmarks: [478, 3] x, y in pixels of the searched picture; z in the same unit, smaller
            is nearer.
        blendshapes: ARKit name -> score 0..1, without `_neutral`.
        pose: [4, 4] MediaPipe's canonical face to camera (GL axes, centimetres).
        flow: Where the landmarks stay on the skin of a video's first picture of it; None: they are
            as detected.
    """

    landmarks: np.ndarray
    blendshapes: dict[str, float]
    pose: np.ndarray
    flow: Flow | None = None

    @property
    def box(self) -> np.ndarray:
        """[4] x0, y0, x1, y1 around the landmarks, pixels."""
        points = self.landmarks[:, :2]
        return np.concatenate([points.min(0), points.max(0)])

    @property
    def size_px(self) -> float:
        """Geometric mean of the box's sides."""
        x0, y0, x1, y1 = self.box
        return float(np.sqrt((x1 - x0) * (y1 - y0)))

    @property
    def yaw_pitch_roll_deg(self) -> np.ndarray:
        """[3] degrees; yaw > 0 turns to the subject's left, pitch > 0 looks down."""
        r = self.pose[:3, :3]
        yaw = np.arctan2(r[0, 2], r[2, 2])
        pitch = np.arcsin(np.clip(-r[1, 2], -1, 1))
        roll = np.arctan2(r[1, 0], r[1, 1])
        return np.degrees([yaw, pitch, roll])


class Detector(OpenTask[vision.FaceLandmarker]):
    """MediaPipe's face landmarker, kept open. Not thread-safe: one per thread."""

    def __init__(self) -> None:
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(FACE_LANDMARKER)),
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
            num_faces=_MAXIMUM_FACES,
            min_face_detection_confidence=0.4,
        )
        super().__init__(lambda: vision.FaceLandmarker.create_from_options(options))

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Faces of [H, W, 3] uint8 sRGB as one look of MediaPipe finds them, largest first.

        It shrinks what it looks at: below an eighth of the picture's longer side it finds few. See
        `faces` for all of them.
        """
        height, width = rgb.shape[:2]
        if min(height, width) < LEAST_SIDE_PX:
            return []
        result = self.run(lambda task, image: task.detect(image), _shrunk(rgb))
        faces = [
            Face(
                np.array([[p.x * width, p.y * height, p.z * width] for p in points], np.float32),
                {s.category_name: float(s.score) for s in scores if s.category_name != "_neutral"},
                np.asarray(pose, np.float64),
            )
            for points, scores, pose in zip(
                result.face_landmarks,
                result.face_blendshapes,
                result.facial_transformation_matrixes,
                strict=True,
            )
        ]
        return sorted(faces, key=lambda face: -face.size_px)


def _shrunk(rgb: np.ndarray) -> np.ndarray:
    scale = _SEARCHED_PX / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    height, width = (max(round(side * scale), LEAST_SIDE_PX) for side in rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
