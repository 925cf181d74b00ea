"""How a viewport sees the avatars."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._shared import low_pass

NEAREST_M = 1e-3
"""A corner of a box nearer than this, or behind, could cover any pixel."""


EVERYTHING = (0.0, 0.0, 1e9, 1e9)
"""A frame around all pixels."""


@dataclass(frozen=True)
class Rectangle:
    """Pixels of a viewport: lower left corner, width and height."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class View:
    """A viewport and the avatars in it.

    Args:
        size: Width and height, pixels.
        window: [4, 4] view space to clip space (OpenGL's).
        objects: [A, 4, 4] each avatar's object space to view space.
        frame: What a camera takes in: left, bottom, right, top, pixels; all of it without one.
        dimmed: Factor on what is outside of the frame.
        portraits: [A] pixels of a metre of each head in its portrait; 0 where it is not known:
            its splats are drawn as at that scale.
    """

    size: tuple[int, int]
    window: np.ndarray
    objects: np.ndarray
    frame: tuple[float, float, float, float] = EVERYTHING
    dimmed: float = 1.0
    portraits: tuple[float, ...] = ()
    """Empty: not one is known."""

    def low_passes(self, shrunk: int) -> np.ndarray:
        """[A] square pixels that each avatar's splats are blurred by, see `shared.low_pass`, in a
        picture with `shrunk` times fewer pixels a side than the viewport."""
        portraits = self.portraits or (0.0,) * len(self.objects)
        return np.array(
            [
                low_pass.low_pass(metre / shrunk / portrait if portrait and metre > 0 else 1.0)
                for metre, portrait in zip(self._metres(), portraits, strict=True)
            ]
        )

    def _metres(self) -> np.ndarray:
        """[A] pixels of a metre at each object's origin; not above 0 behind the viewer."""
        perspective = self.window[3, 3] == 0
        away = -self.objects[:, 2, 3] if perspective else np.ones(len(self.objects))
        sizes = np.linalg.norm(self.objects[:, :3, :3], axis=1).mean(1)
        return 0.5 * self.size[1] * self.window[1, 1] * sizes / np.where(away > NEAREST_M, away, -1)

    def rectangle(self, boxes: Sequence[tuple[np.ndarray, np.ndarray]]) -> Rectangle | None:
        """The pixels that boxes in the avatars' object spaces can cover; None for no pixel.

        Args:
            boxes: Lowest and highest corner [3], metres, one an avatar.
        """
        covered = [
            found
            for (low, high), matrix in zip(boxes, self.objects)
            if (found := self._covered(low, high, matrix)) is not None
        ]
        if not covered:
            return None
        low = np.min([corner for corner, _ in covered], axis=0)
        high = np.max([corner for _, corner in covered], axis=0)
        x, y = (int(value) for value in low)
        return Rectangle(x, y, int(high[0]) - x, int(high[1]) - y)

    def _covered(
        self, low: np.ndarray, high: np.ndarray, matrix: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        if not (low <= high).all():
            return None  # nothing in it is visible
        size = np.array(self.size)
        corners = np.array(
            [[x, y, z, 1.0] for x in (low[0], high[0]) for y in (low[1], high[1])
             for z in (low[2], high[2])]
        )  # fmt: skip
        clip = corners @ (self.window @ matrix).T
        if (clip[:, 3] < NEAREST_M).all():
            return None
        if (clip[:, 3] < NEAREST_M).any():
            return np.zeros(2), size
        pixels = (clip[:, :2] / clip[:, 3:] + 1) / 2 * size
        first = np.clip(np.floor(pixels.min(axis=0)) - 1, 0, size)
        last = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, size)
        return (first, last) if (last > first).all() else None
