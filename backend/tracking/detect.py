"""Faces, 478 landmarks and 52 expression scores, through MediaPipe."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from backend.assets import FACE_LANDMARKER
from shared.errors import AvatarError

from .task import LEAST_SIDE_PX, OpenTask

MINIMUM_FACE_PX = 64
_MAXIMUM_FACES = 8
_SEARCHED_PX = 2048
"""Larger pictures are shrunk before detection, which shrinks them far more by itself."""

_TILE_PX = 1024
"""Faces of the least size are a good part of tiles of this size."""


@dataclass(frozen=True)
class Face:
    """One detected face.

    Args:
        landmarks: [478, 3] x, y in pixels of the searched picture; z in the same unit, smaller
            is nearer.
        blendshapes: ARKit name -> score 0..1, without `_neutral`.
        pose: [4, 4] MediaPipe's canonical face to camera (GL axes, centimetres).
        followed: Whether the landmarks stay on the skin of a video's first picture of it.
    """

    landmarks: np.ndarray
    blendshapes: dict[str, float]
    pose: np.ndarray
    followed: bool = False

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
        """Faces of [H, W, 3] uint8 sRGB as MediaPipe finds them, largest first."""
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

    def search(self, rgb: np.ndarray) -> list[Face]:
        """`detect`, and where it finds nothing, again in overlapping tiles.

        The detector shrinks its input, so that faces below a tenth of the picture escape it.
        """
        if faces := self.detect(rgb):
            return faces
        small = _shrunk(rgb)
        if faces := self.detect(_bordered(small)):
            scale = np.array([rgb.shape[1] / small.shape[1], rgb.shape[0] / small.shape[0]])
            return [_moved(face, -_border(small), scale) for face in faces]
        divisions = 1
        while divisions < 4 or 2 * max(rgb.shape[:2]) / (divisions + 1) > _TILE_PX:
            divisions *= 2
            found: list[Face] = []
            for (x, y), tile in _tiles(rgb, divisions):
                found += [_moved(face, np.array([x, y])) for face in self.detect(tile)]
            if found:
                return _distinct(found)
        return []

    def choose(self, rgb: np.ndarray, index: int | None = None) -> Face:
        """The face to use: the largest, or number `index` from left to right.

        Raises:
            AvatarError: `no_face_found`, `face_too_small`, or `bad_request` for the index.
        """
        height, width = rgb.shape[:2]
        if min(height, width) < MINIMUM_FACE_PX:
            raise AvatarError(
                "face_too_small",
                f"The picture is {width}x{height} pixels; a face of at least {MINIMUM_FACE_PX} "
                "is needed.",
                "Use a larger photo.",
            )
        faces = self.search(rgb)
        if not faces:
            raise AvatarError(
                "no_face_found",
                f"No face was found in the picture ({width}x{height} pixels).",
                "Use a photo that shows one face from the front, well lit and not covered.",
            )
        if index is not None and not 0 <= index < len(faces):
            raise AvatarError(
                "bad_request",
                f"Face {index} was asked for, but the picture shows {len(faces)}.",
                f"Choose a face from 0 to {len(faces) - 1}, counted from left to right.",
            )
        face = faces[0] if index is None else sorted(faces, key=lambda f: f.box[0])[index]
        if face.size_px < MINIMUM_FACE_PX:
            raise AvatarError(
                "face_too_small",
                f"The face is {face.size_px:.0f} pixels; at least {MINIMUM_FACE_PX} are needed.",
                "Use a larger photo or crop nearer to the face before shrinking it.",
            )
        return face


def _shrunk(rgb: np.ndarray) -> np.ndarray:
    scale = _SEARCHED_PX / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    height, width = (max(round(side * scale), LEAST_SIDE_PX) for side in rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def _border(rgb: np.ndarray) -> np.ndarray:
    return np.array([rgb.shape[1] // 2, rgb.shape[0] // 2])


def _bordered(rgb: np.ndarray) -> np.ndarray:
    """A face that fills the picture is missed too: look at it from farther away."""
    x, y = _border(rgb)
    return cv2.copyMakeBorder(rgb, y, y, x, x, cv2.BORDER_CONSTANT)


def _tiles(rgb: np.ndarray, divisions: int):
    """Square-ish tiles of 2/(divisions+1) of the picture's sides that overlap by half."""
    height, width = rgb.shape[:2]
    w, h = 2 * width // (divisions + 1), 2 * height // (divisions + 1)
    for row in range(divisions):
        for column in range(divisions):
            x, y = column * w // 2, row * h // 2
            yield (x, y), rgb[y : y + h, x : x + w]


def _moved(face: Face, offset: np.ndarray, scale: np.ndarray | float = 1.0) -> Face:
    landmarks = face.landmarks.copy()
    landmarks[:, :2] = (landmarks[:, :2] + offset) * scale
    landmarks[:, 2] *= np.mean(scale)
    return Face(landmarks, face.blendshapes, face.pose)


def _distinct(faces: list[Face]) -> list[Face]:
    """Drops repeated sightings of one face, keeping the largest."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -f.size_px):
        center = face.landmarks[:, :2].mean(0)
        gaps = [np.linalg.norm(center - k.landmarks[:, :2].mean(0)) for k in kept]
        if all(gap > k.size_px / 2 for gap, k in zip(gaps, kept, strict=True)):
            kept.append(face)
    return kept
