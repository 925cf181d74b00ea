"""The average face as portraits show it: MakeHuman's lips are twice as thick, its nose and mouth
narrower, and its smiles rise more and go less far aside.

`faces.npz` holds what portraits say, see scripts/make_faces.py. MakeHuman's identity components
take the average head as near to it as they can, so that eyeballs, teeth and ears come along; the
rest is a smooth displacement of the skin. Landmarks stay where they are on the skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.spatial import KDTree

from backend.tracking.landmarks import BROWS, FACE_OVAL, INNER_LIPS
from shared.flame import ARKIT_NAMES

FACES = Path(__file__).with_name("faces.npz")
UNITS = ("mouthSmile", "mouthUpperUp", "mouthShrugLower", "browDown")
"""Units that portraits show often enough to learn how far they move each landmark."""

COUNT = 468  # landmarks without the irises'
_OVAL = 0.3  # how much the outline counts, which slides over the skin
_DEPTH = 0.5  # and depth, which portraits from the front hardly tell
_IDENTITY_M = 3.2e-3  # of a landmark's error that costs as much as a standard deviation
_NOISE_MM = 0.5  # of what portraits say of a landmark, that the displacement smooths over
_NEAR_M, _FAR_M = 0.005, 0.022
"""From a landmark: skin that goes along wholly, and that stays."""
_MOUTH_NEAR_M, _MOUTH_FAR_M = 0.030, 0.055
_BROW_NEAR_M, _BROW_FAR_M = 0.008, 0.020
"""From the mouth's middle and from brows, the same of the units: what lies beyond differs between
people."""
_MIDDLE_M = 0.02
"""How far sides blend into each other."""


@dataclass(frozen=True)
class Faces:
    """What portraits say of their 468 landmarks.

    Args:
        rest: [468, 3] where they lie in faces at rest, in head space up to size and place, metres.
        units: {name without side: [468, 3]} how far the unit, or both sides' units, move them, same
            size.
    """

    rest: np.ndarray
    units: dict[str, np.ndarray]


def read_faces() -> Faces:
    """The committed ones."""
    with np.load(FACES) as arrays:
        return Faces(
            arrays["rest"].astype(float), {name: arrays[name].astype(float) for name in UNITS}
        )


@dataclass(frozen=True)
class Embedding:
    """Where the landmarks lie on the head's triangles.

    Args:
        faces: [F, 3].
        triangles: [478].
        weights: [478, 3] barycentric.
    """

    faces: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray

    def at(self, values: np.ndarray) -> np.ndarray:
        """[478, ...] values [V, ...] of the vertices, at the landmarks."""
        return np.einsum("lk,lk...->l...", self.weights, values[self.faces[self.triangles]])


@dataclass(frozen=True)
class Surface:
    """The head's landmarks, and skin that can move.

    Args:
        vertices: [V, 3] metres.
        landmarks: [468, 3] on it.
        skin: [V] bool: what a displacement of the landmarks takes along.
        mirror: [V] counterparts on the other side.
    """

    vertices: np.ndarray
    landmarks: np.ndarray
    skin: np.ndarray
    mirror: np.ndarray

    def spread(self, moves: np.ndarray) -> np.ndarray:
        """[V, 3] displacements of the landmarks [468, 3], metres, carried on to the vertices."""
        moves = _touching_lips_together(moves)
        places = 1000 * self.landmarks
        field = RBFInterpolator(places, moves, kernel="linear", smoothing=_NOISE_MM**2)
        away, _ = KDTree(self.landmarks).query(self.vertices)
        share = np.clip((_FAR_M - away) / (_FAR_M - _NEAR_M), 0, 1)
        moved = field(1000 * self.vertices) * (_smooth(share) * self.skin)[:, None]
        return (moved + moved[self.mirror] * (-1, 1, 1)) / 2


def to_rest(
    rest: np.ndarray, landmarks: np.ndarray, components: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """How the average head becomes the portraits' average.

    Args:
        rest: [468, 3] `Faces.rest`.
        landmarks: [468, 3] of the average head, metres.
        components: [468, 3, S] identity components at the landmarks, metres.

    Returns:
        Identity codes [S], what they leave [468, 3], metres, and how many times as large as the
        portraits' numbers the head is.
    """
    centred = rest - rest.mean(axis=0)
    nil, one = np.zeros(COUNT), np.ones(COUNT)
    placing = np.stack(
        [
            np.stack([nil, one, nil], axis=1),
            np.stack([nil, nil, one], axis=1),
            np.stack([nil, -centred[:, 2], centred[:, 1]], axis=1),
            centred,
        ],
        axis=-1,
    )  # up, forwards, nodding, larger
    weights = np.ones((COUNT, 3))
    weights[list(FACE_OVAL)] = _OVAL
    weights[:, 2] *= _DEPTH
    weights = weights.reshape(-1)
    system = np.concatenate([components, -placing], axis=-1).reshape(3 * COUNT, -1)
    goal = (rest - landmarks).reshape(-1)
    size = components.shape[-1]
    cost = np.diag(np.append(np.full(size, _IDENTITY_M**2), np.zeros(4)))
    weighted = system * weights[:, None] ** 2
    found = np.linalg.solve(weighted.T @ system + cost, weighted.T @ goal)
    left = (goal - system @ found).reshape(COUNT, 3)
    return found[:size], left, 1 + float(found[-1])


def as_portraits_move(
    units: np.ndarray, surface: Surface, at_landmarks: np.ndarray, faces: Faces, size: float
) -> np.ndarray:
    """The units [V, 3, 52] with those of `UNITS` as portraits show them.

    Args:
        units: [V, 3, 52] metres.
        surface: The head.
        at_landmarks: [468, 3, 52] the units at the landmarks.
        faces: What portraits say.
        size: See `to_rest`.
    """
    units = units.copy()
    lips = surface.landmarks[list(INNER_LIPS)].mean(axis=0)
    away = np.linalg.norm(surface.vertices - lips, axis=1)
    at_mouth = np.clip((_MOUTH_FAR_M - away) / (_MOUTH_FAR_M - _MOUTH_NEAR_M), 0, 1)
    away, _ = KDTree(surface.landmarks[list(BROWS)]).query(surface.vertices)
    at_brows = np.clip((_BROW_FAR_M - away) / (_BROW_FAR_M - _BROW_NEAR_M), 0, 1)
    left = np.clip(0.5 + surface.vertices[:, 0] / _MIDDLE_M, 0, 1)
    for name, moves in faces.units.items():
        sides = [n for n, unit in enumerate(ARKIT_NAMES) if unit.startswith(name)]
        wanted = size * moves - at_landmarks[..., sides].sum(axis=-1)
        wanted[:, 2] = 0  # portraits from the front do not tell
        near = at_brows if name.startswith("brow") else at_mouth
        moved = surface.spread(wanted) * _smooth(near)[:, None]
        shares = (left, 1 - left) if len(sides) == 2 else (np.ones_like(left),)
        for side, own in zip(sides, shares, strict=True):
            units[..., side] += moved * _smooth(own)[:, None]
    return units


def _touching_lips_together(moves: np.ndarray) -> np.ndarray:
    """Displacements [468, 3] under which closed lips stay closed: the detector sees a gap between
    lips that touch."""
    moves = moves.copy()
    upper, lower = list(INNER_LIPS[1:10]), list(reversed(INNER_LIPS[11:]))
    moves[upper] = moves[lower] = (moves[upper] + moves[lower]) / 2
    return moves


def _smooth(share: np.ndarray) -> np.ndarray:
    return share * share * (3 - 2 * share)
