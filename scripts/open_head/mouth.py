"""Where teeth and tongue lie behind the lips."""

from __future__ import annotations

import numpy as np

MOVES_MM = {
    "teeth_upper": (0.0, -3.2, 0.0),
    "teeth_lower": (0.0, -0.5, -1.0),
    "tongue": (0.0, -6.0, -6.0),
}
"""MakeHuman's upper teeth end 0.7 mm above the line of closed lips, its tongue lies between the
rows: smiles showed no teeth but the tongue. Incisors reach 2 to 4 mm below a lip at rest (Vig and
Brundo 1978, The kinetics of anterior tooth display), and bite over the lower ones by 2 to 3."""

HIGHER_MM = 1.5
"""How much people's teeth differ in height: one standard deviation, of 26 smiling portraits."""


def behind_lips(vertices_dm: np.ndarray, parts: dict[str, np.ndarray]) -> np.ndarray:
    """[V, 3] the head's vertices with teeth and tongue in place, decimetres."""
    placed = vertices_dm.copy()
    for name, move in MOVES_MM.items():
        placed[parts[name]] += np.array(move) * 0.01
    return placed


def teeth_height(parts: dict[str, np.ndarray], count: int) -> np.ndarray:
    """[V, 3, 1] the identity component that moves both rows of teeth and nothing else, decimetres;
    higher is positive. Landmarks do not tell it, pictures of smiles do."""
    moves = np.zeros((count, 3, 1))
    for name in ("teeth_upper", "teeth_lower"):
        moves[parts[name], 1] = HIGHER_MM * 0.01
    return moves
