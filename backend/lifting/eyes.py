"""Colours of eyeballs: round the iris everywhere alike, and plausible where a lid hides them."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from .sites import Sites

SCLERA = np.array([0.78, 0.74, 0.72])
WHITES = np.array([0.63, 0.52, 0.50])
"""Display sRGB of well-lit whites, and as 338 portraits show them: lids shade them."""

IRIS = np.array([0.36, 0.24, 0.16])
PUPIL = np.array([0.04, 0.03, 0.03])
GLINT = np.array([0.85, 0.84, 0.83])
"""Display sRGB of what a portrait may not show at all; most people's eyes are brown."""

_AHEAD = np.array([0.0, 0.0, 1.0])
_PUPIL_DEG, _LIMBUS_DEG, _IRIS_DEG = 11.0, 25.0, 29.5
_LIMBUS_SHADE = 0.55
_GLINT_AT, _GLINT_DEG = np.array([-0.12, 0.20, 1.0]), 4.0
"""Where a light from above shows in an eye, and how far around: eyes without one look dead."""

_SOFT_DEG = 2.0
_ENOUGH = 20
_NEIGHBOURS = 12
_FAR_DEG = 4.0
_BRIGHT_PERCENTILE = 80


def fill_eyes(
    colours: np.ndarray, seen: np.ndarray, sites: Sites, eyes: list[np.ndarray], light: np.ndarray
) -> None:
    """Gives what is not seen of each eye the colour seen at its angle from the iris, of that eye,
    else of the other, else a painted one's.

    Args:
        colours: [M, 3] display sRGB, changed in place.
        seen: [M] bool.
        sites: M sites.
        eyes: [M] bool of each eye.
        light: [3] how brightly the face is lit, 1 for well.
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
            colours[members] = light * _painted(angle, _angles(sites.rest[members], _GLINT_AT))


def _angles(rest: np.ndarray, ahead: np.ndarray = _AHEAD) -> np.ndarray:
    """[K] degrees from a direction [3], seen from the middle of an eyeball's places [K, 3]."""
    direction = rest - (rest.max(0) + rest.min(0)) / 2
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip(direction @ ahead / np.linalg.norm(ahead), -1, 1)))


def _around(wanted: np.ndarray, angle: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """[K, 3] colours at angles [K], from those seen [N, 3] at theirs [N]: eyes are round."""
    tree = KDTree(angle[:, None])
    distance, index = tree.query(wanted[:, None], k=min(_NEIGHBOURS, len(angle)))
    bright = np.percentile(colours, _BRIGHT_PERCENTILE, axis=0)
    far = distance[:, :1] > _FAR_DEG
    return np.where(far, np.minimum(bright, SCLERA), np.median(colours[index], axis=1))


def _painted(angle: np.ndarray, from_glint: np.ndarray) -> np.ndarray:
    """[K, 3] of a brown eye, by the angles from straight ahead and from its light."""

    def inside(angles: np.ndarray, edge: float) -> np.ndarray:
        return np.clip((edge - angles) / _SOFT_DEG + 0.5, 0, 1)[:, None]

    colours = np.broadcast_to(WHITES, (len(angle), 3))
    iris = IRIS * np.where(angle > _LIMBUS_DEG, _LIMBUS_SHADE, 1.0)[:, None]
    colours = colours + inside(angle, _IRIS_DEG) * (iris - colours)
    colours = colours + inside(angle, _PUPIL_DEG) * (PUPIL - colours)
    return colours + inside(from_glint, _GLINT_DEG) * (GLINT - colours)
