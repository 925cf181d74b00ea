"""An avatar bound to its mesh, for programs that move it without this backend (shared.binding)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.configs.network import ModelConfig
from backend.head import Head
from backend.model.attributes import COLOURS
from backend.model.expression import ExpressionLayers, Pose
from backend.splat import quaternions
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians
from shared.binding import MOST_STILL, PER_FACE, PER_GAUSSIAN, PER_VERTEX, SCALARS

_SAME = 1e-5
"""By which raw outputs of the network may differ between expressions: rounding."""


@dataclass(frozen=True)
class Moved:
    """The network's answer to one expression.

    Args:
        layers: G0..GL.
        vertices: [1, V, 3] the mesh they lie on, without head pose.
        frames: [1, V, 3, 3] its local frames.
    """

    layers: ExpressionLayers
    vertices: Tensor
    frames: Tensor


def is_bound(config: ModelConfig, one: Moved, other: Moved) -> bool:
    """Whether the mesh alone moves an avatar's Gaussians: the network gives the same for two
    expressions, in local frames, at sites on the mesh."""
    if not (config.sites and config.local_quats and config.g0_copies == 1):
        return False
    first, second = one.layers.raw, other.layers.raw
    masks = [[mask for mask in raw.masks if mask is not None] for raw in (first, second)]
    pairs = [
        *zip(first.attributes, second.attributes, strict=True),
        *zip(*masks, strict=True),
    ]
    return all(torch.allclose(a, b, rtol=0, atol=_SAME) for a, b in pairs)


def bound_expression(moved: Moved, config: ModelConfig, head: Head) -> dict[str, Tensor]:
    """The expression Gaussians' places, turns and looks; `means` at the expression given.

    Args:
        moved: What the network gives for that expression.
        config: Of the network.
        head: The head, whose sites they start at.
    """
    quats = Pose(moved.vertices, moved.frames).frame_quats()[0]
    parts: list[dict[str, Tensor]] = []
    for index, layer in enumerate(moved.layers.layers):
        vertices, frames = moved.vertices[0], moved.frames[0]
        copies = layer.means.shape[1] // len(vertices)
        ids = torch.arange(len(vertices)).to(vertices.device).repeat_interleave(copies)
        faces, weights = _sites(config, head, index)
        start = (vertices[head.faces[faces]] * weights[..., None]).sum(1)
        soft = layer.soft_mask[0]
        if parts:
            before = parts[-1]["masks"]
            soft = soft.minimum(before.repeat_interleave(len(soft) // len(before)))
        part = {
            "means": layer.means[0],
            "quats": quaternions.multiply(quaternions.inverse(quats[ids]), layer.quats[0]),
            "scales": layer.scales[0],
            "colours": layer.features[0][:, :COLOURS],
            "opacities": layer.opacities[0],
            "masks": soft,
            "layers": torch.full_like(ids, FIRST_EXPRESSION_LAYER + index),
            "vertices": ids,
            "site_faces": faces,
            "site_weights": weights,
            "offsets": torch.einsum("nij,ni->nj", frames[ids], layer.means[0] - start),
        }
        parts.append(part)
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def bound_identity(identity: Gaussians) -> dict[str, Tensor]:
    """The same arrays of the identity Gaussians, which lie on no mesh."""
    count, means = len(identity), identity.means
    none = torch.zeros(count, 3).to(means)
    return {
        "means": means,
        "quats": identity.quats,
        "scales": identity.scales,
        "colours": identity.features[:, :COLOURS],
        "opacities": identity.opacities,
        "masks": torch.ones_like(identity.opacities),
        "layers": identity.layers.long(),
        "vertices": identity.vertices.long(),
        "site_faces": torch.zeros(count).to(means).long(),
        "site_weights": none,
        "offsets": none,
    }


def still_vertices(head: Head, rest: Tensor, betas: np.ndarray | None) -> list[int] | None:
    """Three vertices far apart that neither expression nor jaw nor eyes move; None without."""
    moves = head.unit_deltas(betas).norm(dim=2).amax(0) > MOST_STILL
    moves |= head.lbs_weights[:, 2:].sum(1) > 0
    still = torch.nonzero(~moves)[:, 0]
    if len(still) < 3:
        return None
    places = rest[still]
    first = int((places - places.mean(0)).norm(dim=1).argmax())
    second = int((places - places[first]).norm(dim=1).argmax())
    across = torch.linalg.cross(places - places[first], places - places[second])
    third = int(across.norm(dim=1).argmax())
    return [int(still[index]) for index in (first, second, third)]


def as_arrays(values: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """As `shared.binding` has them.

    Raises:
        ValueError: For names that are missing or unknown.
    """
    kinds = {name: kind for name, (kind, _) in (PER_GAUSSIAN | PER_VERTEX | PER_FACE).items()}
    kinds |= SCALARS
    if kinds.keys() != values.keys():
        raise ValueError(f"A binding has {sorted(values)}; expected {sorted(kinds)}")
    return {
        name: np.ascontiguousarray(values[name].cpu().numpy().astype(kind))
        for name, kind in kinds.items()
    }


def sites(config: ModelConfig, head: Head) -> tuple[Tensor, Tensor]:
    """Triangles [N] and weights of their corners [N, 3] where the Gaussians of all layers start."""
    faces, weights = zip(
        *(_sites(config, head, layer) for layer in range(config.layers + 1)), strict=True
    )
    return torch.cat(faces), torch.cat(weights)


def _sites(config: ModelConfig, head: Head, layer: int) -> tuple[Tensor, Tensor]:
    """Triangles [N] and weights of their corners [N, 3] where a layer's Gaussians start."""
    if layer == 0:  # vertices themselves, as corners of a triangle around each
        faces = head.site_faces[:, 0]
        vertices = torch.arange(len(faces)).to(faces.device)
        return faces, (head.faces[faces] == vertices[:, None]).to(head.site_bary)
    start = sum(config.copies(before) for before in range(1, layer))
    columns = slice(start, start + config.copies(layer))
    return head.site_faces[:, columns].flatten(), head.site_bary[:, columns].reshape(-1, 3)
