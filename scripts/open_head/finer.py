"""Parts of the head as other, finer surfaces over the same vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Finer:
    """How a finer head's vertices come out of those before.

    Args:
        mixing: [V', V] sparse, rows that sum to 1: what vertices, units, identities and skin
            weights are multiplied by. Rows of what is not finer have a single 1.
        relief: [V', 3] metres, added to the template.
        faces: [F', 3] int32.
        mirror: [V'] int32.
    """

    mixing: csr_matrix
    relief: np.ndarray
    faces: np.ndarray
    mirror: np.ndarray

    def mixed(self, values: np.ndarray) -> np.ndarray:
        """[V', ...] of [V, ...]."""
        return (self.mixing @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])

    def masks(self, masks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """{name: [V'] bool} of {name: [V] bool}."""
        return {name: self.mixed(mask) > 0 for name, mask in masks.items()}
