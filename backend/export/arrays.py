"""Gaussians as NumPy arrays, and how many there are, whatever they were computed with."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class GaussianArrays(Protocol):
    """What exporters read of `backend.splat.gaussians.Gaussians`; tensors or arrays.

    `means` [N, 3], `quats` [N, 4] wxyz, `scales` [N, 3], `opacities` [N] (0: masked),
    `features` [N, C >= 3], `layers` [N].
    """

    means: Any
    quats: Any
    scales: Any
    opacities: Any
    features: Any
    layers: Any


def as_numpy(values: Any) -> np.ndarray:
    """A torch tensor on any device, or an array, as a NumPy array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def gaussian_counts(gaussians: Any) -> dict[str, Any]:
    """How many Gaussians there are: total, identity, layers (G0..GL) and kept."""
    layers = as_numpy(gaussians.layers)
    per_layer = np.bincount(layers, minlength=2)
    return {
        "total": len(layers),
        "identity": int(per_layer[:2].sum()),
        "layers": [int(n) for n in per_layer[2:]],
        "kept": int(np.count_nonzero(as_numpy(gaussians.opacities) > 0)),
    }
