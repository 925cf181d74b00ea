"""Whether a viewport moves, and whether it is too slow to show everything meanwhile."""

from dataclasses import dataclass, field

import numpy as np

SLOW_S = 0.03
"""A full picture that takes longer than this is not drawn while the viewport moves."""

STILL_S = 0.25
"""So long after the last movement everything is drawn again."""


@dataclass
class Motion:
    """One viewport's movements.

    Args:
        slow: Whether the last full picture took long.
    """

    slow: bool = False
    _view: np.ndarray = field(default_factory=lambda: np.zeros((4, 4)))

    def coarse(self, view: np.ndarray, playing: bool) -> bool:
        """Whether a coarse picture will do.

        Args:
            view: [4, 4] world to clip space of this redraw.
            playing: Whether an animation plays.
        """
        moves = playing or not np.allclose(view, self._view, rtol=0, atol=1e-6)
        self._view = view
        return moves and self.slow

    def took(self, seconds: float, coarse: bool) -> None:
        """Tells how long a picture took, with what the graphics card still had to do before."""
        if not coarse:
            self.slow = seconds > SLOW_S
