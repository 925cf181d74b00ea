"""Where MediaPipe's 478 landmarks lie on the head: found in its own portraits, projected back."""

from __future__ import annotations

from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from backend.head.painting import Model, paint, portrait_camera
from backend.tracking.back_projection import (
    back_project,
    joined,
    partners,
    places,
    symmetric_landmarks,
)

from .crop import Crop

SIZE_PX = 1024


class Detector:
    """MediaPipe's FaceLandmarker on single pictures.

    Args:
        task: The face_landmarker.task file.
    """

    def __init__(self, task: Path) -> None:
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(task)),
                output_face_blendshapes=True,
            )
        )

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        """Landmarks [478, 2] in pixels and the blend shapes' scores of an RGB picture.

        Raises:
            ValueError: No face found.
        """
        frame = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(picture))
        found = self._landmarker.detect(frame)
        if not found.face_landmarks:
            raise ValueError("the detector found no face in the painted head")
        size = (picture.shape[1], picture.shape[0])
        points = np.array([(point.x, point.y) for point in found.face_landmarks[0]]) * size
        return points, {shape.category_name: shape.score for shape in found.face_blendshapes[0]}

    def close(self) -> None:
        """Frees the network."""
        self._landmarker.close()


def embed_landmarks(
    model: Model, jaw_open: np.ndarray, crop: Crop, detector: Detector
) -> tuple[np.ndarray, np.ndarray]:
    """Triangle [478] int32 and barycentric [478, 3] float64 of every landmark.

    Found in two portraits, one of them with the jaw open by .35.

    Args:
        model: The neutral head.
        jaw_open: [V, 3] displacement of the jawOpen unit.
        crop: For the left-right counterparts.
        detector: The landmark detector.
    """
    camera = portrait_camera(SIZE_PX, fill=0.30)

    def detect(picture: np.ndarray) -> np.ndarray:
        return detector(picture)[0]

    views, points, shown = [], [], []
    for vertices in (model.template, model.template + 0.35 * jaw_open):
        picture, visible = paint(model, vertices, camera)
        points.append(symmetric_landmarks(picture, detect))
        views.append(back_project(model, points[-1], visible, camera))
        shown.append(visible)
    face, weights = joined(model, camera, shown[0], *views)
    partner = partners(points[0])
    return _symmetrise(model, crop, partner, face, weights)


def _symmetrise(
    model: Model, crop: Crop, partner: np.ndarray, face: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of the subject's right side take the mirrored place of the left ones."""
    by_corners = {tuple(sorted(corners)): i for i, corners in enumerate(crop.faces.tolist())}
    place = places(model, face, weights)
    for right in np.flatnonzero(place[:, 0] < place[partner, 0]):
        left = partner[right]
        corners = crop.mirror[crop.faces[face[left]]].tolist()
        face[right] = by_corners[tuple(sorted(corners))]
        own = crop.faces[face[right]].tolist()
        weights[right] = [weights[left][corners.index(corner)] for corner in own]
    weights = np.clip(np.round(weights * 4096) / 4096, 0, 1)
    weights[np.arange(len(weights)), weights.argmax(axis=1)] += 1 - weights.sum(axis=1)
    return face.astype(np.int32), weights
