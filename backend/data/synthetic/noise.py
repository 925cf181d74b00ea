"""Smooth random fields in space, without a table and equal on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WAVES = 6


@dataclass(frozen=True)
class Noise:
    """A sum of plane waves, of about zero mean and unit variance.

    Args:
        waves: [K, 3] radians per metre.
        phases: [K] radians.
    """

    waves: np.ndarray
    phases: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator, size_m: float) -> Noise:
        """A field whose blobs are about `size_m` large."""
        direction = rng.normal(size=(_WAVES, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = size_m * rng.uniform(1.3, 2.7, (_WAVES, 1))
        return cls(direction * (2 * np.pi / length), rng.uniform(0, 2 * np.pi, _WAVES))

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """[N] values at places [N, 3], metres."""
        angles = places.astype(np.float32) @ self.waves.T.astype(np.float32)
        total = np.sin(angles + self.phases.astype(np.float32)).sum(1)
        return total * np.float32(np.sqrt(2 / _WAVES))
