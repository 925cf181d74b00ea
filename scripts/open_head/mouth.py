"""Where teeth and tongue lie behind the lips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backend.lifting.teeth import NARROWER

MOVES_MM = {
    "teeth_upper": (0.0, -2.7, 3.0),
    "teeth_lower": (0.0, 1.4, 2.0),
    "tongue": (0.0, -6.0, -6.0),
}
"""MakeHuman's upper teeth end 0.7 mm above the line of closed lips and lie 10 mm behind it, its
tongue lies between the rows: smiles showed no teeth but the tongue. With age incisors reach 3.4 to
0 mm below a lip at rest, and the lower ones .5 to 3 above theirs (Vig and Brundo 1978, The kinetics
of anterior tooth display); of ten people who speak, nine show their lower teeth."""

PAINTED_MM = {
    "teeth_upper": (0.0, -3.2, 0.0),
    "teeth_lower": (0.0, -0.5, -1.0),
    "tongue": (0.0, -6.0, -6.0),
}
"""The same in the pictures in which landmarks are found: `faces.npz` was learned with those."""

HIGHER_ASIDE_MM, ASIDE_MM = 1.5, 16.0
"""How much higher teeth are there than on MakeHuman's head, and where, from the middle: measured on
the cutting edges of 36 portraits that smile with lips apart."""

HIGHER_MM = 1.5
"""How much people's teeth differ in height: one standard deviation, of 26 smiling portraits."""


def behind_lips(
    vertices_dm: np.ndarray,
    parts: dict[str, np.ndarray],
    moves_mm: Mapping[str, tuple[float, float, float]] = MOVES_MM,
) -> np.ndarray:
    """[V, 3] the head's vertices with teeth and tongue in place, decimetres."""
    placed = vertices_dm.copy()
    for name, move in moves_mm.items():
        placed[parts[name]] += np.array(move) * 0.01
    return placed


def peoples_arches(vertices_dm: np.ndarray, parts: dict[str, np.ndarray]) -> np.ndarray:
    """[V, 3] the head's vertices with rows of teeth as wide and as curved as people's, decimetres:
    MakeHuman's go to the corners of a smile, which are dark, and end in a level line. Incisors stay
    where they are."""
    curved = vertices_dm.copy()
    for name in ("teeth_upper", "teeth_lower"):
        teeth = vertices_dm[parts[name]]
        front = np.array([0.0, 0.0, teeth[:, 2].max()])
        teeth = front + np.array([NARROWER, 1.0, NARROWER]) * (teeth - front)
        teeth[:, 1] += 0.01 * HIGHER_ASIDE_MM * (100 * teeth[:, 0] / ASIDE_MM) ** 2
        curved[parts[name]] = teeth
    return curved


def teeth_height(parts: dict[str, np.ndarray], count: int) -> np.ndarray:
    """[V, 3, 1] the identity component that moves both rows of teeth and nothing else, decimetres;
    higher is positive. Landmarks do not tell it, pictures of smiles do."""
    moves = np.zeros((count, 3, 1))
    for name in ("teeth_upper", "teeth_lower"):
        moves[parts[name], 1] = HIGHER_MM * 0.01
    return moves
