"""Colours of eyeballs: round the iris everywhere alike, and plausible where a lid hides them."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from .sites import Sites

SCLERA = np.array([0.78, 0.74, 0.72])
IRIS = np.array([0.27, 0.17, 0.11])
PUPIL = np.array([0.04, 0.03, 0.03])
"""Display sRGB of what a portrait may not show at all; most people's eyes are brown."""

_PUPIL_DEG, _LIMBUS_DEG, _IRIS_DEG = 11.0, 25.0, 29.5
_LIMBUS_SHADE = 0.55
_SOFT_DEG = 2.0
_ENOUGH = 20
_NEIGHBOURS = 12
_FAR_DEG = 4.0
_BRIGHT_PERCENTILE = 80


def fill_eyes(
    colours: np.ndarray, seen: np.ndarray, sites: Sites, eyes: list[np.ndarray], light: float
) -> None:
    """Gives what is not seen of each eye the colour seen at its angle from the iris, of that eye,
    else of the other, else a painted one's.

    Args:
        colours: [M, 3] display sRGB, changed in place.
        seen: [M] bool.
        sites: M sites.
        eyes: [M] bool of each eye.
        light: How bright the face is, 1 for a well-lit one.
    """
    balls = [(np.flatnonzero(eye), _angles(sites.rest[eye])) for eye in eyes]
    told = [int(seen[members].sum()) for members, _ in balls]
    profile = [(angle[seen[members]], colours[members[seen[members]]]) for members, angle in balls]
    for number, (members, angle) in enumerate(balls):
        source = number if told[number] >= _ENOUGH else int(np.argmax(told))
        hidden = ~seen[members] if source == number else np.ones(len(members), bool)
        if told[source] >= _ENOUGH:
            colours[members[hidden]] = _around(angle[hidden], *profile[source])
        else:
            colours[members] = light * _painted(angle)


def _angles(rest: np.ndarray) -> np.ndarray:
    """[K] degrees from straight ahead, seen from the middle of an eyeball's places [K, 3]."""
    direction = rest - (rest.max(0) + rest.min(0)) / 2
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip(direction[:, 2], -1, 1)))


def _around(wanted: np.ndarray, angle: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """[K, 3] colours at angles [K], from those seen [N, 3] at theirs [N]: eyes are round."""
    tree = KDTree(angle[:, None])
    distance, index = tree.query(wanted[:, None], k=min(_NEIGHBOURS, len(angle)))
    bright = np.percentile(colours, _BRIGHT_PERCENTILE, axis=0)
    far = distance[:, :1] > _FAR_DEG
    return np.where(far, np.minimum(bright, SCLERA), np.median(colours[index], axis=1))


def _painted(angle: np.ndarray) -> np.ndarray:
    """[K, 3] of a brown eye."""
    iris = IRIS * np.where(angle > _LIMBUS_DEG, _LIMBUS_SHADE, 1.0)[:, None]
    inside = [np.clip((edge - angle) / _SOFT_DEG + 0.5, 0, 1) for edge in (_PUPIL_DEG, _IRIS_DEG)]
    pupil, whole = (share[:, None] for share in inside)
    return SCLERA + whole * (iris - SCLERA) + pupil * (PUPIL - iris)
