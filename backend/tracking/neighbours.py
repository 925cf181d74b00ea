"""Where in a window another person's share of the picture begins."""

from __future__ import annotations

import cv2
import numpy as np

from .crop import PORTRAIT_PX, Crop
from .detect import Face

_BODY = 6.0  # how far a body goes on below the face, in face sizes
_UNDECIDED = 0.35  # face sizes: so near to the middle between two people colours decide
_SMALLEST = 0.5  # of the person's face: a smaller one before their body is a print on it
_BESIDE = 0.8  # face sizes from their middle line: not before their body
_WITH_EARS = 1.2  # a head, in outlines of its face
_SMOOTH_PX = 1.5


def faces_beside(face: Face, found: list[Face]) -> list[Face]:
    """Those faces of one picture that are other people's, who stand beside or before the person."""
    others = []
    for other in found:
        gap = np.linalg.norm(_middle(other) - _middle(face))
        aside = _distance(_middle(other)[None], face)[0]
        if gap > face.size_px / 2 and (other.size_px > _SMALLEST * face.size_px or aside > _BESIDE):
            others.append(other)
    return others


def others_share(rgb: np.ndarray, window: Crop, face: Face, others: list[Face]) -> np.ndarray:
    """[512, 512] bool: what belongs to other people, if it belongs to anybody.

    Far from the middle between two people who is nearer has it; near to it, colours' edges decide.

    Args:
        rgb: [512, 512, 3] uint8 of the window.
        window: On the picture.
        face: The person's, in pixels of the picture.
        others: Other people's.
    """
    centres = (np.arange(PORTRAIT_PX) + 0.5) * window.side / PORTRAIT_PX
    grid = np.stack(np.meshgrid(centres + window.x, centres + window.y), axis=-1)
    own = _distance(grid, face)
    theirs = np.min([_distance(grid, other) for other in others], axis=0)
    markers = np.zeros(own.shape, np.int32)
    markers[own < theirs - _UNDECIDED] = 1
    markers[own > theirs + _UNDECIDED] = 2
    for other in others:
        cv2.fillConvexPoly(markers, _outline(other, window), 2)
    cv2.fillConvexPoly(markers, _outline(face, window), 1)
    # A border more all around: the watershed leaves its outermost pixels undecided.
    smooth = cv2.copyMakeBorder(
        cv2.GaussianBlur(rgb, (0, 0), _SMOOTH_PX), 1, 1, 1, 1, cv2.BORDER_REPLICATE
    )
    return cv2.watershed(smooth, np.pad(markers, 1, mode="edge"))[1:-1, 1:-1] != 1


def _middle(face: Face) -> np.ndarray:
    return face.landmarks[:, :2].mean(0)


def _distance(points: np.ndarray, face: Face) -> np.ndarray:
    """[...] face sizes from [..., 2] points to the line from a face's middle down the body."""
    x, y = ((points - _middle(face)) / face.size_px).transpose(-1, *range(points.ndim - 1))
    return np.hypot(x, y - np.clip(y, 0, _BODY))


def _outline(face: Face, window: Crop) -> np.ndarray:
    """[N, 1, 2] int32 a head's outline in a window: the hull of its face's landmarks, wider."""
    points = window.points(_middle(face) + _WITH_EARS * (face.landmarks[:, :2] - _middle(face)))
    return cv2.convexHull(points.round().astype(np.int32))
