"""Colours of eyeballs: round the iris everywhere alike, and plausible where a lid hides them."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from .sites import Sites

SCLERA = np.array([0.78, 0.74, 0.72])
WHITES = np.array([0.63, 0.52, 0.50])
"""Display sRGB of well-lit whites, and as 338 portraits show them: lids shade them."""

_RING_DEG = np.array([0, 5, 8, 12, 16, 20, 24, 28, 36, 50.0])
_RING = np.array(
    [
        [0.07, 0.06, 0.06], [0.13, 0.11, 0.10], [0.21, 0.17, 0.14], [0.28, 0.21, 0.17],
        [0.34, 0.26, 0.22], [0.45, 0.36, 0.33], [0.58, 0.48, 0.46], WHITES,
        WHITES, [0.55, 0.41, 0.38],
    ]
)  # fmt: skip
_LID_DEG, _LID_SHADE = np.array([-12, -4, 2, 10.0]), np.array([1.05, 0.98, 0.85, 0.7])
"""What a portrait may not show at all: eyes as 110 portraits show them, in good light (medians of
display sRGB, `scripts/measure_eyes.py`; browner, as most are), by degrees from the pupil's middle,
and how much darker they are towards the upper lid, by degrees above straight ahead."""

GLINT = np.array([0.85, 0.84, 0.83])
_GLINT_SHARE = 0.4
_AHEAD = np.array([0.0, 0.0, 1.0])
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
            colours[members] = light * _painted(sites.rest[members])


def directions(rest: np.ndarray) -> np.ndarray:
    """[K, 3] unit, from the middle of an eyeball to its places [K, 3]."""
    direction = rest - (rest.max(0) + rest.min(0)) / 2
    return direction / np.linalg.norm(direction, axis=1, keepdims=True)


def _angles(rest: np.ndarray, ahead: np.ndarray = _AHEAD) -> np.ndarray:
    """[K] degrees from a direction [3], seen from the middle of an eyeball's places [K, 3]."""
    cosines = directions(rest) @ ahead / np.linalg.norm(ahead)
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


def _around(wanted: np.ndarray, angle: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """[K, 3] colours at angles [K], from those seen [N, 3] at theirs [N]: eyes are round."""
    tree = KDTree(angle[:, None])
    distance, index = tree.query(wanted[:, None], k=min(_NEIGHBOURS, len(angle)))
    bright = np.percentile(colours, _BRIGHT_PERCENTILE, axis=0)
    far = distance[:, :1] > _FAR_DEG
    return np.where(far, np.minimum(bright, SCLERA), np.median(colours[index], axis=1))


def _painted(rest: np.ndarray) -> np.ndarray:
    """[K, 3] of an eye that nothing is known of, by its places [K, 3]."""
    angle, from_glint = _angles(rest), _angles(rest, _GLINT_AT)
    colours = np.stack([np.interp(angle, _RING_DEG, channel) for channel in _RING.T], axis=-1)
    above = np.degrees(np.arcsin(directions(rest)[:, 1]))
    colours *= np.interp(above, _LID_DEG, _LID_SHADE)[:, None]
    glint = _GLINT_SHARE * np.clip((_GLINT_DEG - from_glint) / _SOFT_DEG + 0.5, 0, 1)[:, None]
    return colours + glint * (GLINT - colours)
