"""Landmarks found in a head's painted portrait, projected back onto its surface."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree

from backend.head.painting import Model
from backend.head.zbuffer import Visible
from shared.camera import Camera

from .landmarks import INNER_LIPS, LANDMARKS, LEFT_IRIS, RIGHT_IRIS

Detect = Callable[[np.ndarray], np.ndarray]
"""An RGB picture [H, W, 3] uint8 -> 478 landmarks [478, 2] in pixels."""

LIPS_MIDDLE = (
    62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 325, 319, 403, 316, 15, 86, 179, 89, 96,
)  # fmt: skip
LIPS = INNER_LIPS + LIPS_MIDDLE
"""The rings of landmarks along the lips' inner edge, and next to it."""

IRISES = (*RIGHT_IRIS, *LEFT_IRIS)

AGREE_M = 0.003
"""Two portraits' positions of a landmark closer than this are averaged."""

Embedding = tuple[np.ndarray, np.ndarray]
"""Triangles [478] and barycentric weights [478, 3] of the landmarks."""


def symmetric_landmarks(picture: np.ndarray, detect: Detect) -> np.ndarray:
    """Landmarks averaged with those of the mirrored picture; x of partners mirrored exactly."""
    width = picture.shape[1]
    points = detect(picture)
    flipped = detect(picture[:, ::-1])
    flipped = flipped * (-1, 1) + (width, 0)
    partner = partners(points)
    both = (points + flipped[partner]) / 2
    mirrored = both[partner] * (-1, 1) + (width, 0)
    return (both + mirrored) / 2


def partners(points: np.ndarray) -> np.ndarray:
    """[478] each landmark's counterpart on the other side of a frontal face."""
    centre = points[[10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 152], 0].mean()
    mirrored = (points - (centre, 0)) * (-1, 1) + (centre, 0)
    partner = np.empty(len(points), dtype=int)
    for group in (slice(0, LANDMARKS), slice(LANDMARKS, LANDMARKS + len(IRISES))):
        cost = ((mirrored[group, None] - points[None, group]) ** 2).sum(axis=-1)
        partner[group] = group.start + linear_sum_assignment(cost + cost.T)[1]
    if (partner[partner] != np.arange(len(points))).any():
        raise ValueError("the landmarks do not pair up left and right")
    return partner


def back_project(
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
    use[list(LIPS)] = "lips"
    face = np.empty(len(points), dtype=np.int32)
    weights = np.empty((len(points), 3))
    for kind, permitted in allowed.items():
        rows, columns = np.nonzero((seen.face >= 0) & permitted[seen.face])
        chosen = np.flatnonzero(use == kind)
        _, nearest = KDTree(np.stack([columns + 0.5, rows + 0.5], 1)).query(points[chosen])
        face[chosen] = seen.face[rows[nearest], columns[nearest]]
        weights[chosen] = seen.barycentric[rows[nearest], columns[nearest]]
    return face, weights


def joined(
    model: Model, camera: Camera, visible: Visible, neutral: Embedding, opened: Embedding
) -> Embedding:
    """One embedding of two portraits' own.

    The inner lips come from the one with the jaw open (closed lips hide them), the others from the
    neutral one, averaged with the open one's where the two agree.

    Args:
        model: The neutral head.
        camera: Of both portraits.
        visible: What the neutral one shows.
        neutral: From the neutral portrait.
        opened: From the one with the jaw open.
    """
    face, weights = neutral[0].copy(), neutral[1].copy()
    place, place_open = places(model, *neutral), places(model, *opened)
    lips = np.isin(np.arange(478), LIPS)
    face[lips], weights[lips] = opened[0][lips], opened[1][lips]
    near = (np.linalg.norm(place - place_open, axis=1) < AGREE_M) & ~lips
    near[list(IRISES)] = False
    averaged = back_project(model, camera.project((place + place_open) / 2), visible, camera)
    face[near], weights[near] = averaged[0][near], averaged[1][near]
    return face, weights


def places(model: Model, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Points [N, 3] on the template, from triangles [N] and barycentric weights [N, 3]."""
    return (model.template[model.faces[face]] * weights[..., None]).sum(axis=1)
