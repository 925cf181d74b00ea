"""One viewport's picture of the gathered Gaussians, and the order that they are drawn in."""

from typing import Any

import numpy as np

from . import order
from .gathered import Gathered, texture
from .seen import Rectangle, View
from .shaders import WIDTH
from .surface import Drawn, Surface

BUDGET = 60_000
"""Gaussians that are drawn while a slow viewport moves, on half as many pixels a side."""

GROWTH = 0.375
"""Of n Gaussians one is drawn, n to this power as large: nearest to the full picture of a face."""

TURN = 1e-3
"""Largest change of the view's direction that keeps the order."""


class SplatPicture:
    """Draws what is gathered; keeps the order until the view turns or the numbers change."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._rows = np.zeros((0, 4))
        self._made_for = (-1, False)
        self._order: Any = None
        self._drawn = Drawn(0, 1.0, 1)

    def draw(
        self, surface: Surface, view: View, depths: Any, rectangle: Rectangle, coarse: bool
    ) -> Drawn:
        """Blends the Gaussians into the surface's picture of their view.

        Args:
            surface: Shaders and pictures.
            view: The viewport.
            depths: Texture of the scene's depths.
            rectangle: Where that lies.
            coarse: Whether `BUDGET` holds.
        """
        self.sort(view, coarse)
        samplers = self._gathered.textures() | {
            "order": self._order,
            "views": _views(view, self._drawn.shrunk),
            "depths": depths,
        }
        surface.blend(view, samplers, rectangle, self._drawn)
        return self._drawn

    def sort(self, view: View, coarse: bool) -> None:
        """Renews the order where that is due."""
        rows = np.array(view.objects[:, 2])
        rows[:, 3] -= rows[0, 3]  # nearer or farther as a whole: the order stays
        made_for = (self._gathered.version, coarse)
        if made_for == self._made_for and np.abs(rows - self._rows).max() < TURN:
            return
        parts = self._gathered.parts
        count = sum(len(part.index) for part in parts)
        step = max(-(-count // BUDGET), 1) if coarse else 1
        chosen, away = [], []
        for part, row in zip(parts, rows.astype(np.float32)):
            index = part.index[::step]
            places = self._gathered.places[part.stretch]
            forward = np.append(-row[:3], np.float32(0))  # the fourth number of a place is no place
            away.append((places @ forward)[index] - row[3])
            chosen.append(index + part.stretch.start)
        index = np.concatenate(chosen)[order.back_to_front(np.concatenate(away))]
        self._order = texture(_filled(index))
        self._drawn = Drawn(len(index), float(step**GROWTH), 2 if coarse else 1)
        self._rows, self._made_for = rows, made_for


def _filled(index: np.ndarray) -> np.ndarray:
    rows = max(-(-len(index) // WIDTH), 1)
    filled = np.zeros(rows * WIDTH, np.float32)
    filled[: len(index)] = index
    return filled


def _views(view: View, shrunk: int) -> Any:
    """Four texels a row: object space to view space of each avatar, and its low pass."""
    import gpu

    numbers = np.array(view.objects, dtype=np.float32)
    numbers[:, 3] = view.low_passes(shrunk)[:, None]
    data = gpu.types.Buffer("FLOAT", numbers.size, numbers.reshape(-1))
    return gpu.types.GPUTexture((4, len(numbers)), format="RGBA32F", data=data)
