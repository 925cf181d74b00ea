"""The unit that puts out the tongue: over the lower teeth and the lip, not through them."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

_BEYOND_M = 0.014  # how far the tip comes out before the lower lip
_DROOPS_M = 0.006  # and how far it hangs below the lip's edge
_THIN_M = 0.0026  # half as thick as the tongue is at its tip, when it is out
_FLATTER = 0.25
_LAG_M = {"teeth": 0.002, "lip": 0.0035}
"""How much less the tongue goes down with a jaw as far open (.35) as a tongue that is out needs:
displacements add up, and those of the jaw are of the tongue's place in the mouth."""
_ROOT = 0.4  # of its length stays where it is
_ROUND = 0.4  # how much less far its sides come out, at its widest


def tongue_out(tongue: np.ndarray, teeth: np.ndarray, lip: np.ndarray) -> np.ndarray:
    """[T, 3] displacements, metres. MakeHuman's unit is one for a tongue between the rows of teeth:
    ours lies lower (`MOVES_MM`), and came out through the chin.

    Args:
        tongue: [T, 3] vertices at rest, metres.
        teeth: [3] the top of the lower incisors.
        lip: [3] the lower lip's edge, in the middle.
    """
    x, y, z = tongue.T
    back, tip = z.min(), z.max()
    share = (z - back) / (tip - back)
    round_tip = 1 - _ROUND * (x / np.abs(x).max()) ** 2
    out = z + (lip[2] + _BEYOND_M - tip) * share**2 * round_tip
    middle = np.poly1d(np.polyfit(z, y, 3))
    root = np.linspace(back, back + _ROOT * (tip - back), 4)
    over = [
        (teeth[2], teeth[1] + _THIN_M - _LAG_M["teeth"]),
        (lip[2], lip[1] + _THIN_M - _LAG_M["lip"]),
        (lip[2] + _BEYOND_M, lip[1] - _DROOPS_M),
    ]
    way = PchipInterpolator([*root, *(p[0] for p in over)], [*middle(root), *(p[1] for p in over)])
    height = way(out) + (y - middle(z)) * (1 - _FLATTER * share)
    return np.column_stack([np.zeros(len(z)), height - y, out - z])
