"""How far the expression units go: MakeHuman's, brought to what faces do and the landmarker reads.

Measured with backend/evaluation/readback.py on portraits that are not held out; docs/open-head.md
has the numbers. Strengths end where faces do, also where the landmarker would like more.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.spatial import KDTree

from backend.tracking.landmarks import LEFT_EYE, RIGHT_EYE
from shared.flame import ARKIT_NAMES

from .faces import Embedding

_Points = tuple[tuple[float, float], ...]

GAINS = {
    "browDown": 1.1,
    "eyeWide": 1.0,
    "jawOpen": 1.1,
    "mouthClose": 1.1,
    "mouthFrown": 1.4,
    "mouthLeft": 1.25,
    "mouthLowerDown": 1.6,
    "mouthPucker": 1.1,
    "mouthRight": 1.25,
    "mouthRollLower": 1.3,
    "mouthShrugLower": 1.3,
    "mouthSmile": 0.8,
    "mouthStretch": 1.4,
    "mouthUpperUp": 1.65,
}
"""Times MakeHuman's displacement, by the unit's name without its side."""

ALONG = {
    "mouthFrown": (2.0, 1.0),
    "mouthLeft": (1.0, 0.5),
    "mouthPress": (0.2, 1.0),
    "mouthPucker": (1.4, 1.0),
    "mouthRight": (1.0, 0.5),
    "mouthStretch": (1.2, 0.3),
}
"""Times that sideways and upwards. MakeHuman's pucker brings lips forward but hardly together, its
frown draws corners straight down, which they never go; its stretch takes them down as a frown does,
its mouthLeft up as a smile does, and its press draws them 6 mm aside."""

MIXED = {
    "mouthFunnel": {
        "mouthFunnel": 0.35,
        "mouthPucker": 0.65,
        "mouthLowerDownLeft": 0.5,
        "mouthLowerDownRight": 0.5,
        "mouthUpperUpLeft": 0.35,
        "mouthUpperUpRight": 0.35,
    }
}
"""Units that others make: MakeHuman's funnel opens the lips to a diamond as wide as the mouth, with
a pointed lower lip."""

BROW_INNER_M, BROW_OUTER_M = 0.0085, 0.0085
_BROW_BAND = ((0, 1.0), (11, 1.0), (22, 0.55), (36, 0.0))
"""Share of the rise by the height above the brow's lower edge, mm: brows rise as a whole, the
forehead folds."""

_BELOW = ((0, 1.0), (0.15, 1.0), (0.45, 0.92), (0.75, 0.35), (1.0, 0.0))
"""The same below it, by the share of the way to the lid: many a brow hangs lower than its
landmarks, and would smear where skin stretches."""

_INNER = ((0, 0.75), (14, 1.0), (28, 0.8), (40, 0.45), (52, 0.12), (62, 0.0))
_OUTER = ((12, 0.0), (20, 0.12), (28, 0.3), (40, 0.77), (47, 1.0), (54, 0.85), (62, 0.5), (72, 0))
"""Share of the rise by the distance from the face's middle, mm."""

_HALF_WAY = 4
"""Vertices around the middle of the way that say how the skull slopes there."""

_TEMPLES = ((30, 0.0), (45, 1.0))
"""Share of the rise by how far in front of the head's middle, mm: temples stay."""

_LOWER_EDGE = (285, 295, 282, 283, 276)
_LID = (197, 362, 398, 384, 385, 386, 387, 388, 466, 263)
"""Landmarks of the left brow's lower edge; of what lies below it, from the nose outwards."""

_EYES = {"Left": LEFT_EYE, "Right": RIGHT_EYE}
_UPPER_LID, _LOWER_LID = slice(1, 7), slice(15, 9, -1)
"""Of an eye's landmarks: those above each other, from the outer corner inwards."""

_SPARE_M = np.array([0.0013, 0.0009, 0.0011, 0.0021, 0.0021, 0.0009])
"""How far below the lower lid a closed upper one would end, from the outer corner inwards: other
identities' eyes are higher. Alike everywhere, it would be a tray with steep ends."""

_CORNER_RISES = 0.25
"""Of MakeHuman's blink, what rises: its inner corners do, by 1.5 mm."""

_INNER_CORNER, _CORNER_M = 1.18, 0.004
"""How much more the lid closes in the corner than at the innermost of them; how far in that is."""

_LOWER_RISES = 0.1
"""Of eyeSquint, by which the lower lid comes to meet the upper in a blink."""

_LIDS_FOLLOW = {"eyeLookUp": ("eyeWide", 0.6), "eyeLookDown": ("eyeBlink", 0.05)}
"""How much of another unit the lids follow the gaze with, besides what they do in MakeHuman's."""


def calibrated(
    units: np.ndarray,
    vertices: np.ndarray,
    normals: np.ndarray,
    embedding: Embedding,
    skin: np.ndarray,
) -> np.ndarray:
    """The units [V, 3, 52] as they go into the head, metres.

    Args:
        units: [V, 3, 52] MakeHuman's, metres.
        vertices: [V, 3] template.
        normals: [V, 3] outward.
        embedding: The landmarks, the eyes' on the lids' edges.
        skin: [V] bool, outer skin without the rims of the eyes.
    """
    units, landmarks = units.copy(), embedding.at(vertices)
    for number, name in enumerate(ARKIT_NAMES):
        name = _sideless(name)
        units[..., number] *= GAINS.get(name, 1.0)
        units[:, :2, number] *= ALONG.get(name, 1.0)
    inner = _brow_rise(_INNER, BROW_INNER_M, vertices, normals, landmarks, skin)
    units[..., ARKIT_NAMES.index("browInnerUp")] = inner
    outer = _brow_rise(_OUTER, BROW_OUTER_M, vertices, normals, landmarks, skin)
    for side, sign in (("Left", 1), ("Right", -1)):
        own = np.where(sign * vertices[:, :1] > 0, outer, 0)
        units[..., ARKIT_NAMES.index(f"browOuterUp{side}")] = own
        _move_lids(units, vertices, embedding, side)
    return units


def mixed(units: np.ndarray) -> np.ndarray:
    """The units [V, 3, 52] with those of `MIXED` as sums of others."""
    made = units.copy()
    for name, shares in MIXED.items():
        parts = [share * units[..., ARKIT_NAMES.index(unit)] for unit, share in shares.items()]
        made[..., ARKIT_NAMES.index(name)] = np.sum(parts, axis=0)
    return made


def _sideless(name: str) -> str:
    """Of a unit that each side has; mouthLeft and its like are named for where they go."""
    stem = name.removesuffix("Left").removesuffix("Right")
    return name if stem in ("jaw", "mouth") else stem


def _brow_rise(
    across: _Points,
    rise_m: float,
    vertices: np.ndarray,
    normals: np.ndarray,
    landmarks: np.ndarray,
    skin: np.ndarray,
) -> np.ndarray:
    """[V, 3] how the skin slides up over the skull, as far as `rise_m`.

    MakeHuman's moves the brow's upper edge twice as far as its lower one and leaves its tail
    behind: a peak, which no brow makes.
    """
    away = np.abs(vertices[:, 0])
    edge, lid = (np.interp(away, *landmarks[list(line), :2].T) for line in (_LOWER_EDGE, _LID))
    above = vertices[:, 1] - edge
    share = np.where(
        above > 0, _profile(_BROW_BAND, 1000 * above), _profile(_BELOW, above / (lid - edge))
    )
    share = share * _profile(across, 1000 * away) * skin
    share = share * _profile(_TEMPLES, 1000 * vertices[:, 2])
    _, there = KDTree(vertices[skin]).query(vertices + (0, rise_m / 2, 0), k=_HALF_WAY)
    across_skull = normals[skin][there].mean(axis=1)
    across_skull /= np.linalg.norm(across_skull, axis=1, keepdims=True)
    upwards = np.array([0, 1, 0]) - across_skull[:, 1:2] * across_skull
    return rise_m * share[:, None] * upwards


def _move_lids(units: np.ndarray, vertices: np.ndarray, embedding: Embedding, side: str) -> None:
    """Lets the lids of one side meet in a blink, and follow the gaze."""

    def unit(name: str) -> np.ndarray:
        return units[..., ARKIT_NAMES.index(f"{name}{side}")]

    blink = unit("eyeBlink")
    rises = _LOWER_RISES * unit("eyeSquint")
    blink[blink[:, 1] > 0] *= _CORNER_RISES
    blink *= _closes(vertices, blink, rises, embedding, side)[:, None]
    blink += rises
    for gaze, (lids, share) in _LIDS_FOLLOW.items():
        unit(gaze)[...] += share * unit(lids)


def _closes(
    vertices: np.ndarray, blink: np.ndarray, rises: np.ndarray, embedding: Embedding, side: str
) -> np.ndarray:
    """[V] share of MakeHuman's eyeBlink that brings the upper lid down to the lower one, by the
    distance from the face's middle: at 1 its outer half hangs 5 mm lower.

    Args:
        vertices: [V, 3].
        blink: [V, 3] MakeHuman's.
        rises: [V, 3] what the lower lid does besides.
        embedding: The landmarks.
        side: Left or Right.
    """
    ring = list(_EYES[side])
    upper, lower = ring[_UPPER_LID], ring[_LOWER_LID]
    places, falls, meets = (embedding.at(moves) for moves in (vertices, blink, blink + rises))
    apart = places[upper, 1] - places[lower, 1] - meets[lower, 1]
    share = (apart + _SPARE_M) / -(falls[upper, 1] + embedding.at(rises)[upper, 1])
    away = np.abs(places[upper, 0])
    inner = (away[-1] - _CORNER_M, _INNER_CORNER * share[-1])
    points = [*zip(away, share, strict=True), inner]
    return _profile(tuple(sorted(points)), np.abs(vertices[:, 0]))


def _profile(points: _Points, places: np.ndarray) -> np.ndarray:
    """Smooth between points, level beyond them."""
    at, share = zip(*points, strict=True)
    return PchipInterpolator(at, share)(np.clip(places, at[0], at[-1]))
