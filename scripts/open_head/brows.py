"""How high people's brows lie at rest: identity that looks like an expression."""

from __future__ import annotations

import numpy as np

from shared.flame import ARKIT_NAMES

SPREAD = {"browDown": 0.28, "browInnerUp": 0.12, "browOuterUp": 0.15}
"""Standard deviations from person to person, of a unit. With MakeHuman's own sliders they make the
.031 to .036 of the eyes' distance by which 376 portraits differ in the height of their brows; ten
people who talk move theirs by .010."""

APART = 0.4
"""Of such a spread, that between the left and the right."""


def brows_at_rest(units: np.ndarray) -> np.ndarray:
    """[V, 3, 5] identity components that move brows and nothing else, metres: as their units move
    them, to where they stay when no unit does.

    Args:
        units: [V, 3, 52] metres.
    """

    def of(name: str) -> np.ndarray:
        return units[..., ARKIT_NAMES.index(name)]

    moves = []
    for name, spread in SPREAD.items():
        if name in ARKIT_NAMES:
            moves.append(spread * of(name))
            continue
        left, right = of(f"{name}Left"), of(f"{name}Right")
        moves += [spread * (left + right), APART * spread * (left - right)]
    return np.stack(moves, axis=-1)
