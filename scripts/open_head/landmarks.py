"""Where MediaPipe's 478 landmarks lie on the head: found in its own portraits, projected back."""

from __future__ import annotations

from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree

from backend.head.zbuffer import Visible
from shared.camera import Camera

from .crop import Crop
from .portrait import Model, paint, portrait_camera

LIPS_INNER = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
LIPS_MIDDLE = (
    62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 325, 319, 403, 316, 15, 86, 179, 89, 96,
)  # fmt: skip
"""The rings of landmarks along the lips' inner edge, and next to it."""

IRISES = tuple(range(468, 478))
SIZE_PX = 1024
AGREE_M = 0.003
"""Two portraits' positions of a landmark closer than this are averaged."""


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

    The inner lips come from a portrait with the jaw open by .35 (closed lips hide them), the
    others from the neutral one, averaged with the open one's where the two agree.

    Args:
        model: The neutral head.
        jaw_open: [V, 3] displacement of the jawOpen unit.
        crop: For the left-right counterparts.
        detector: The landmark detector.
    """
    camera = portrait_camera(SIZE_PX, fill=0.30)
    neutral = _symmetric_landmarks(paint(model, model.template, camera)[0], detector)
    opened = _symmetric_landmarks(
        paint(model, model.template + 0.35 * jaw_open, camera)[0], detector
    )
    partner = _partners(neutral)
    views = []
    for points, vertices in ((neutral, model.template), (opened, model.template + 0.35 * jaw_open)):
        _, seen = paint(model, vertices, camera)
        views.append(_back_project(model, points, seen, camera))
    (face, weights), (face_open, weights_open) = views
    place, place_open = _place(model, face, weights), _place(model, face_open, weights_open)
    lips = np.isin(np.arange(478), LIPS_INNER + LIPS_MIDDLE)
    face[lips], weights[lips] = face_open[lips], weights_open[lips]
    near = (np.linalg.norm(place - place_open, axis=1) < AGREE_M) & ~lips
    near[list(IRISES)] = False
    camera_pixels = camera.project((place + place_open) / 2)
    averaged = _back_project(model, camera_pixels, paint(model, model.template, camera)[1], camera)
    face[near], weights[near] = averaged[0][near], averaged[1][near]
    return _symmetrise(model, crop, partner, face, weights)


def _symmetric_landmarks(picture: np.ndarray, detector: Detector) -> np.ndarray:
    """Landmarks averaged with those of the mirrored picture; x of partners mirrored exactly."""
    width = picture.shape[1]
    points, _ = detector(picture)
    flipped, _ = detector(picture[:, ::-1])
    flipped = flipped * (-1, 1) + (width, 0)
    partner = _partners(points)
    both = (points + flipped[partner]) / 2
    mirrored = both[partner] * (-1, 1) + (width, 0)
    return (both + mirrored) / 2


def _partners(points: np.ndarray) -> np.ndarray:
    """[478] each landmark's counterpart on the other side of a frontal face."""
    centre = points[[10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 152], 0].mean()
    mirrored = (points - (centre, 0)) * (-1, 1) + (centre, 0)
    partner = np.empty(len(points), dtype=int)
    for group in (slice(0, 468), slice(468, 478)):
        cost = ((mirrored[group, None] - points[None, group]) ** 2).sum(axis=-1)
        partner[group] = group.start + linear_sum_assignment(cost + cost.T)[1]
    if (partner[partner] != np.arange(len(points))).any():
        raise ValueError("the landmarks do not pair up left and right")
    return partner


def _back_project(
    model: Model, points: np.ndarray, seen: Visible, camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest visible surface point of the right kind for every landmark."""
    kinds = {name: model.regions[name][model.faces].all(axis=1) for name in ("eyeballs", "lips")}
    inside = ("eyeballs", "eye_sockets", "teeth_upper", "teeth_lower", "tongue", "mouth_interior")
    hidden = np.any([model.regions[name] for name in inside], axis=0)
    allowed = {
        "skin": ~hidden[model.faces].any(axis=1),
        "balls": kinds["eyeballs"],
        "lips": kinds["lips"],
    }
    use = np.full(len(points), "skin", dtype=object)
    use[list(IRISES)] = "balls"
    use[list(LIPS_INNER + LIPS_MIDDLE)] = "lips"
    face = np.empty(len(points), dtype=np.int32)
    weights = np.empty((len(points), 3))
    for kind, permitted in allowed.items():
        rows, columns = np.nonzero((seen.face >= 0) & permitted[seen.face])
        chosen = np.flatnonzero(use == kind)
        _, nearest = KDTree(np.stack([columns + 0.5, rows + 0.5], 1)).query(points[chosen])
        face[chosen] = seen.face[rows[nearest], columns[nearest]]
        weights[chosen] = seen.barycentric[rows[nearest], columns[nearest]]
    return face, weights


def _place(model: Model, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (model.template[model.faces[face]] * weights[..., None]).sum(axis=1)


def _symmetrise(
    model: Model, crop: Crop, partner: np.ndarray, face: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of the subject's right side take the mirrored place of the left ones."""
    by_corners = {tuple(sorted(corners)): i for i, corners in enumerate(crop.faces.tolist())}
    place = _place(model, face, weights)
    for right in np.flatnonzero(place[:, 0] < place[partner, 0]):
        left = partner[right]
        corners = crop.mirror[crop.faces[face[left]]].tolist()
        face[right] = by_corners[tuple(sorted(corners))]
        own = crop.faces[face[right]].tolist()
        weights[right] = [weights[left][corners.index(corner)] for corner in own]
    weights = np.clip(np.round(weights * 4096) / 4096, 0, 1)
    weights[np.arange(len(weights)), weights.argmax(axis=1)] += 1 - weights.sum(axis=1)
    return face.astype(np.int32), weights
