"""Values of vertices, read where pixels see the mesh and averaged over neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Surface:
    """The points of the mesh that N pixels see.

    Args:
        corners: [N, 3] vertices.
        weights: [N, 3] barycentric.
    """

    corners: np.ndarray
    weights: np.ndarray

    def at(self, values: np.ndarray) -> np.ndarray:
        """[N, ...] of per-vertex values [V, ...]."""
        values = values.astype(np.float32)
        parts = (
            values[self.corners[:, c]] * self.weights[:, c].reshape(-1, *[1] * (values.ndim - 1))
            for c in range(3)
        )
        return sum(parts, np.float32(0))  # type: ignore[return-value]

    def all(self, members: np.ndarray) -> np.ndarray:
        """[N] bool: all three corners are members."""
        return np.all(members[self.corners], axis=1)

    def any(self, members: np.ndarray) -> np.ndarray:
        """[N] bool: a corner is a member."""
        return np.any(members[self.corners], axis=1)


class Neighbours:
    """Means over the vertices next to each vertex."""

    def __init__(self, edges: np.ndarray, vertices: int) -> None:
        both = np.concatenate([edges, edges[:, ::-1]])
        ones = np.ones(len(both), np.float32)
        matrix = csr_array((ones, (both[:, 0], both[:, 1])), shape=(vertices, vertices))
        self._matrix = matrix.multiply(1 / np.maximum(matrix.sum(1), 1)[:, None]).tocsr()

    def mean(self, values: np.ndarray) -> np.ndarray:
        """[V, ...] of each vertex's neighbours."""
        return self._matrix @ values
