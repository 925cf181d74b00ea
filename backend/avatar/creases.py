"""Smiles shade a face: creases beside the mouth, light on cheeks and chin, as people's smiles do.

The rig moves the skin, and an avatar's colours move with it: without this a face whose portrait
does not smile would smile in the light of a face at rest, and one that does would rest with a
smile's light on cheeks and chin. What lies in a smile's shade is brightened by `folds` as it goes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from backend.avatar.recolour import away_from, ramp
from backend.head import Head
from backend.lifting.appearance import SMILES
from backend.lifting.appearance_file import appearance_of
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians
from shared.binding import CREASES_FROM, SMILES_MEET_M

_CORNER = 0.7  # of the farthest way of a lip's vertex: what is near the mouth's corner
_LIPS_M, _LIDS_M = (0.001, 0.005), (0.0, 0.004)
"""From lips and lids, whose edges lie elsewhere from portrait to portrait: nothing up to there, all
from there on."""


class Creases:
    """What smiling does to the light on one avatar's skin.

    Args:
        sites: Triangles [N] that the expression Gaussians start on, and weights of their corners
            [N, 3].
        vertices: [V, 3] the mesh at the portrait's expression, head space, metres.
        rest: [V, 3] without expression.
        head: The head they are on.
        betas: [S] the avatar's identity.

    Deviates: in the paper shadows are the network's to know.
    """

    def __init__(
        self,
        sites: tuple[Tensor, Tensor],
        vertices: Tensor,
        rest: Tensor,
        head: Head,
        betas: np.ndarray | None,
    ) -> None:
        faces, self._weights = sites
        self._corners, self._rest = head.faces[faces], rest
        self._left = ramp(rest[:, 0], -SMILES_MEET_M, SMILES_MEET_M)
        self._spans = _spans(head.unit_deltas(betas)[SMILES].sum(0), rest, head.regions["lips"])
        self._before = self._smile(vertices)
        self._shading = _shading(head, rest)

    def coloured(self, cloud: Gaussians, vertices: Tensor) -> Gaussians:
        """The same Gaussians, shaded as far as they smile more than in the portrait; where they
        smile less, what smiles light loses that light.

        Args:
            cloud: Expression Gaussians of any expression, of G0 only or of all layers.
            vertices: [V, 3] the mesh at that expression, head space.
        """
        more = (self._smile(vertices) - self._before)[:, None]
        if not more.any():
            return cloud
        there, lit = slice(len(cloud)), self._shading.clamp_min(0)
        shading = more.clamp_min(0) * self._shading + more.clamp_max(0) * lit
        shading = shading[self._corners[there]]
        features = cloud.features.clone()
        features[:, :COLOURS] *= torch.einsum("nkc,nk->nc", shading, self._weights[there]).exp()
        return replace(cloud, features=features)

    def binding(self) -> dict[str, Tensor]:
        """Its part of `shared.binding`."""
        return {"creases": self._shading, "smiles": self._spans, "smiled_before": self._before}

    def _smile(self, vertices: Tensor) -> Tensor:
        """[V] 0..1: how much each vertex' side smiles, by how far the mouth's corner has gone of a
        smile's way."""
        gone, left = ((vertices - self._rest) * self._spans).sum(1), self._rest[:, 0] > 0
        smile = self._left * gone[left].sum() + (1 - self._left) * gone[~left].sum()
        return ramp(smile, CREASES_FROM, 1)


def _spans(way: Tensor, rest: Tensor, lips: Tensor) -> Tensor:
    """[V, 3] vectors whose products with what vertices move by add up to each side's smile.

    Args:
        way: [V, 3] of both sides' smiles, metres.
        rest: [V, 3].
        lips: [V] bool.
    """
    far, spans = way.norm(dim=1) * lips, torch.zeros_like(way)
    for side in (rest[:, 0] > 0, rest[:, 0] <= 0):
        corner = side & (far > _CORNER * (far * side).max())
        spans[corner] = way[corner] / way[corner].square().sum(1, keepdim=True) / corner.sum()
    return spans


def _shading(head: Head, rest: Tensor) -> Tensor:
    """[V, 3] what a whole smile adds to logarithms of display sRGB; nothing on heads of which no
    portraits were seen."""
    appearance = appearance_of(head)
    if appearance is None:
        return torch.zeros_like(rest)
    regions = head.regions
    lips = away_from(rest[regions["lips"]], rest)
    lids = away_from(rest[regions["lids"] | regions["lashes"]], rest)
    skin = ramp(lips, *_LIPS_M) * ramp(lids, *_LIDS_M) * regions["face"] * ~regions["scalp"]
    return torch.from_numpy(appearance.smile).to(rest) * skin[:, None]
