"""Where the masks keep Gaussians: per layer, and per region of the head (Fig. 6, Appendix B.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backend.head.surface import vertex_areas
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER

SCALP = "scalp"
AREAS: dict[str, tuple[str, ...]] = {
    "eyes": ("lids",),
    "mouth": ("lips",),
    "ears": ("ears",),
    SCALP: (SCALP,),
}
"""What the paper speaks of, in regions of a head."""

_CM2_PER_M2 = 1e4


@dataclass(frozen=True)
class Area:
    """One part of the skin.

    Args:
        kept: Gaussians of G1..GL that the masks keep.
        share: Of those there are, 0..1.
        per_cm2: Kept Gaussians per cm2 of skin.
        share_beside_scalp: The share over the scalp's: what the masks do.
        density_beside_scalp: The density over the scalp's: masks and mesh together, because a
            head's vertices lie denser around eyes, mouth and ears.
    """

    kept: int
    share: float
    per_cm2: float
    share_beside_scalp: float
    density_beside_scalp: float


@dataclass(frozen=True)
class Density:
    """What the masks of one driven head keep.

    Args:
        layers: Kept share of G1..GL, 0..1.
        areas: By name, as `AREAS`.
    """

    layers: tuple[float, ...]
    areas: dict[str, Area]


def kept_density(
    layers: np.ndarray,
    owners: np.ndarray,
    kept: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    regions: Mapping[str, np.ndarray],
) -> Density:
    """Kept Gaussians per layer and area; G0, which no mask touches, is left out.

    Args:
        layers: [N] `Gaussians.layers`.
        owners: [N] `Gaussians.vertices`.
        kept: [N] bool.
        vertices: [V, 3] the posed head, metres.
        faces: [F, 3] its triangles.
        regions: Name -> [V] bool, with all that `AREAS` names.

    Source: Fig. 6, Appendix B.1: "concentrated around the facial features, such as the eyes,
    mouth and ears".
    """
    split = layers > FIRST_EXPRESSION_LAYER
    skin = vertex_areas(vertices, faces) * _CM2_PER_M2
    found = {}
    for name, parts in AREAS.items():
        inside = np.any([regions[part] for part in parts], axis=0)
        here = split & inside[np.clip(owners, 0, None)]
        alive = int((here & kept).sum())
        found[name] = alive, alive / max(int(here.sum()), 1), alive / float(skin[inside].sum())
    _, scalp_share, scalp_density = found[SCALP]
    numbers = range(FIRST_EXPRESSION_LAYER + 1, int(layers.max()) + 1)
    return Density(
        tuple(float(kept[layers == number].mean()) for number in numbers),
        {
            name: Area(
                alive, share, density, _ratio(share, scalp_share), _ratio(density, scalp_density)
            )
            for name, (alive, share, density) in found.items()
        },
    )


def _ratio(value: float, scalp: float) -> float:
    return value / scalp if scalp else float("inf")
