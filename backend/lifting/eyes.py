"""Colours of eyeballs: round the iris everywhere alike, and plausible where a lid hides them."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from .sites import Sites

SCLERA = np.array([0.78, 0.74, 0.72])
WHITES = np.array([0.63, 0.52, 0.50])
"""Display sRGB of well-lit whites, and as 338 portraits show them: lids shade them."""

_RING_DEG = np.array([0, 5, 7, 9, 12, 15, 18, 20, 22, 25, 30, 36, 90.0])
_RING = np.array(
    [
        [0.05, 0.05, 0.05], [0.06, 0.06, 0.06], [0.14, 0.11, 0.10], [0.28, 0.21, 0.17],
        [0.34, 0.26, 0.21], [0.34, 0.26, 0.21], [0.28, 0.22, 0.19], [0.36, 0.29, 0.27],
        [0.52, 0.43, 0.41], [0.64, 0.54, 0.52], [0.67, 0.56, 0.54], WHITES, WHITES,
    ]
)  # fmt: skip
_LID_DEG, _LID_SHADE = np.array([-12, -4, 2, 10.0]), np.array([1.05, 0.98, 0.85, 0.7])
"""What a portrait may not show at all: eyes as 110 portraits show them, in good light (medians of
display sRGB, `scripts/measure_eyes.py`; browner, as most are), by degrees from the pupil's middle,
and how much darker they are towards the upper lid, by degrees above straight ahead. Medians of many
are blurred: these have a pupil's and an iris's edge; the corners' red is lids', not theirs."""

GLINT = np.array([0.85, 0.84, 0.83])
_GLINT_SHARE = 0.4
_AHEAD = np.array([0.0, 0.0, 1.0])
_GLINT_AT, _GLINT_DEG = np.array([-0.12, 0.20, 1.0]), 4.0
"""Where a light from above shows in an eye, and how far around: eyes without one look dead."""

_SOFT_DEG = 2.0
_ENOUGH, _FEW = 20, 8  # sites of an eye, and of its whites
_NEIGHBOURS = 12
_LASHES_DEG = 2.0  # above straight ahead they shade what shows
_IRIS_ENDS_DEG = (22.0, 27.0)
_WHITES_DEG = (25.0, 45.0)  # from the iris to the corners, which are red
_WHITEST = 70  # percentile: others are veins, lids and lashes
_TONE, _OTHER_TONE = 0.5, 0.08  # of what shows; the most beside the usual: whites are white
_CORNERS_DEG, _CORNERS = (27.0, 60.0), (1.0, 0.8)  # how dark whites get towards them
_DULLEST, _BRIGHTEST = 0.8, 1.5  # of the usual ones: narrow eyes lie in their lids' shade


def fill_eyes(
    colours: np.ndarray, seen: np.ndarray, sites: Sites, eyes: list[np.ndarray], light: np.ndarray
) -> None:
    """Gives each eye, beyond what is seen of its iris, the colours that it has at the same angle,
    of that eye, else of the other, else a painted one's. Whites are even: shade of the lids and
    red of the corners, which stay where they are, would turn with the eye.

    Args:
        colours: [M, 3] display sRGB, changed in place.
        seen: [M] bool.
        sites: M sites.
        eyes: [M] bool of each eye.
        light: [3] how brightly the face is lit, 1 for well.
    """
    balls = [(np.flatnonzero(eye), directions(sites.rest[eye])) for eye in eyes]
    told = [int(seen[members].sum()) for members, _ in balls]
    shown = [(at[seen[members]], colours[members[seen[members]]]) for members, at in balls]
    for number, (members, at) in enumerate(balls):
        source = number if told[number] >= _ENOUGH else int(np.argmax(told))
        if told[source] < _ENOUGH:
            colours[members] = light * _painted(at)
            continue
        whole = _around(at, *shown[source], light)
        kept = (1 - _white(at)) * (seen[members, None] & (source == number))
        colours[members] = whole + kept * (colours[members] - whole)


def directions(rest: np.ndarray) -> np.ndarray:
    """[K, 3] unit, from the middle of an eyeball to its places [K, 3]."""
    direction = rest - (rest.max(0) + rest.min(0)) / 2
    return direction / np.linalg.norm(direction, axis=1, keepdims=True)


def _degrees(at: np.ndarray, ahead: np.ndarray = _AHEAD) -> np.ndarray:
    """[K] from a direction [3], of directions [K, 3]."""
    cosines = at @ ahead / np.linalg.norm(ahead)
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


def _degrees_above(at: np.ndarray) -> np.ndarray:
    """[K] above straight ahead, of directions [K, 3]."""
    return np.degrees(np.arcsin(at[:, 1]))


def _around(
    wanted: np.ndarray, at: np.ndarray, colours: np.ndarray, light: np.ndarray
) -> np.ndarray:
    """[K, 3] colours in directions [K, 3], of an eye that shows some [N, 3] in others [N, 3]:
    irises are round, whites one colour, and lids shade both."""
    angle, away = _degrees(at), _degrees(wanted)
    lit = _degrees_above(at) < _LASHES_DEG
    lit |= lit.sum() < _ENOUGH
    nearest = KDTree(angle[lit, None]).query(away[:, None], k=min(_NEIGHBOURS, int(lit.sum())))[1]
    iris = np.median(colours[lit][nearest], axis=1)
    beyond = (angle > _WHITES_DEG[0]) & (angle < _WHITES_DEG[1])
    aside = np.interp(away, _CORNERS_DEG, _CORNERS)[:, None]
    white = aside * _whites(colours[beyond], light)
    shade = _lid_shade(wanted) / _lid_shade(at[lit]).mean()
    return shade * (iris + _white(wanted) * (white - iris))


def _white(at: np.ndarray) -> np.ndarray:
    """[K, 1] 0..1: whether an eye is white in directions [K, 3]."""
    begin, end = _IRIS_ENDS_DEG
    return np.clip((_degrees(at) - begin) / (end - begin), 0, 1)[:, None]


def _whites(shown: np.ndarray, light: np.ndarray) -> np.ndarray:
    """[3] of an eye that shows colours [N, 3] beside its iris: its brightest ones, as white and as
    bright as whites are in such light."""
    usual = light * SCLERA
    dull = usual * (WHITES.mean() / SCLERA.mean())
    if len(shown) < _FEW:
        return dull
    bright = shown.mean(1)
    found = np.median(shown[bright >= np.percentile(bright, _WHITEST)], axis=0)
    tone, plain = found / max(found.mean(), 1e-3), usual / usual.mean()
    tone = plain + np.clip(_TONE * (tone - plain), -_OTHER_TONE, _OTHER_TONE)
    level = np.clip(found.mean(), _DULLEST * dull.mean(), _BRIGHTEST * dull.mean())
    return level * tone / tone.mean()


def _lid_shade(at: np.ndarray) -> np.ndarray:
    """[K, 1] times so bright, in directions [K, 3]."""
    return np.interp(_degrees_above(at), _LID_DEG, _LID_SHADE)[:, None]


def _painted(at: np.ndarray) -> np.ndarray:
    """[K, 3] of an eye that nothing is known of, in directions [K, 3]."""
    away, from_glint = _degrees(at), _degrees(at, _GLINT_AT)
    colours = np.stack([np.interp(away, _RING_DEG, channel) for channel in _RING.T], axis=-1)
    colours *= _lid_shade(at)
    glint = _GLINT_SHARE * np.clip((_GLINT_DEG - from_glint) / _SOFT_DEG + 0.5, 0, 1)[:, None]
    return colours + glint * (GLINT - colours)
