"""Distances between the tracked head and the Gaussians nearest to it (Eqs. 17 and 18)."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

MODEL_UNITS_PER_M = 5.0
"""The paper's losses are in its model's units of 0.2 m."""

_LIFTING, _SPLIT = 1.0, 0.5
_PAIRS_AT_ONCE = 1 << 22
"""Distances held at once by the chunked search: 16 MiB of float32, which a GPU's cache holds."""


def nearest(points: Tensor, queries: Tensor) -> Tensor:
    """The exact nearest point of every query, detached.

    Args:
        points: [N, 3], N > 0. One that is not finite is everybody's nearest, so that the loss
            becomes not finite too, which ends a run with a clear word.
        queries: [M, 3].

    Returns:
        [M] int64 indices into `points`.
    """
    points, queries = points.detach(), queries.detach()
    broken = ~points.isfinite().all(dim=1)
    if broken.any():
        return broken.int().argmax().expand(len(queries))
    if points.device.type == "cpu":
        # An unbalanced tree is built in a third of the time and answers as fast.
        tree = KDTree(points.numpy(), balanced_tree=False, compact_nodes=False)
        return torch.from_numpy(np.asarray(tree.query(queries.numpy())[1]))
    return _nearest_in_chunks(points, queries)


def _nearest_in_chunks(points: Tensor, queries: Tensor) -> Tensor:
    """Not by `torch.cdist`: as a matrix product it rounds away differences of near points, and
    without one it takes thirty times as long as the three differences."""
    rows = max(1, _PAIRS_AT_ONCE // len(points))
    across = points.T.contiguous()
    found = []
    for part in queries.split(rows):
        squares = torch.zeros(len(part), len(points), dtype=points.dtype, device=points.device)
        for there, here in zip(across, part.T, strict=True):
            squares += (there - here[:, None]).square_()
        found.append(squares.argmin(dim=1))
    return torch.cat(found)


def lifting_loss(identity: Tensor, vertices: Tensor) -> Tensor:
    """Mean squared distance from every tracked vertex to its nearest identity Gaussian.

    Args:
        identity: [N, 3] means of the planes' Gaussians that exist, metres.
        vertices: [V, 3] the tracked head, metres.

    Returns:
        In squared model units (0.2 m).

    Source: Eq. 17; method.md 5.
    Deviates: the equation writes a norm over the set; here, as in the baseline's code, the mean
        of squared distances, whose index is detached.
    """
    return _mean_square(identity[nearest(identity, vertices)] - vertices)


def split_loss(split: Tensor, vertices: Tensor) -> Tensor:
    """The same with G1..GL before masking; G0 lies on the vertices and is no part of it.

    Args:
        split: [N, 3] means of all Gaussians that the splitting made, metres.
        vertices: [V, 3] the tracked head, metres.

    Source: Eq. 18.
    """
    return _mean_square(split[nearest(split, vertices)] - vertices)


def _mean_square(gaps: Tensor) -> Tensor:
    return (gaps**2).sum(dim=-1).mean() * MODEL_UNITS_PER_M**2


class PointLosses:
    """Eqs. 17 and 18 for one portrait, whose neighbours are looked up again only when asked."""

    def __init__(self) -> None:
        self._lifting: Tensor | None = None
        self._split: Tensor | None = None

    def __call__(
        self, identity: Tensor, split: Tensor, vertices: Tensor, still: Tensor, refresh: bool
    ) -> Tensor:
        """Lifting over the still vertices plus .5 split over all of them.

        Args:
            identity: [N, 3] means of the identity Gaussians, metres.
            split: [M, 3] means of G1..GL, before masking.
            vertices: [V, 3] the tracked head.
            still: [V] bool: vertices that no expression moves.
            refresh: Look the neighbours up again.

        Deviates: lifting leaves out the skin that moves, which belongs to the rig.
        """
        anchors = vertices[still]
        if refresh or self._lifting is None or self._split is None:
            self._lifting = nearest(identity, anchors)
            self._split = nearest(split, vertices)
        lifting = _mean_square(identity[self._lifting] - anchors)
        return _LIFTING * lifting + _SPLIT * _mean_square(split[self._split] - vertices)
