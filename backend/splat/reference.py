"""The rasteriser in plain PyTorch: specification and oracle of the fast ones, and the fallback
where the C++ library cannot be used.

Rules, for each pixel (centre at half-integers), over its Gaussians sorted by depth, near to far,
Gaussians at the same depth in the order of their index:

    power = (a dx^2 + c dy^2) / 2 + b dx dy         conic (a, b, c), (dx, dy) = pixel - mean
    alpha = min(alpha_max, opacity exp(-power))     skipped when below 1/255, or power < 0
    T_next = T (1 - alpha)                          when <= 1e-4 the pixel ends, without this one
    weight = alpha T;  T = T_next                   T starts at 1

    features = sum weight f
    alpha    = 1 - T
    depth    = (sum weight z) / alpha, 0 where alpha is 0

Background is black. Depth is the expected z in camera space, metres: of what is seen, not mixed
with the background. Gradients of skipped contributions, and of opacities where alpha_max clamps,
are 0.

extent = three_sigma: as the original 3DGS rasteriser, a Gaussian is looked at only in the 16-pixel
tiles that meet the square of its `radii` around its centre. Where it is opaque it would still reach
1/255 a little beyond (3.33 standard deviations), so edges of tiles lose something.

mask_gradient: a Gaussian of opacity exactly 0 contributes nothing but gets the dL/d opacity it
would have, wherever exp(-power) >= 1/255 and the pixel has not ended before it. Without this a mask
that once dropped a Gaussian could never learn to keep it.
Deviates: gsplat and the baseline give dropped Gaussians no gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from backend.splat.gaussians import Gaussians
from backend.splat.projection import ALPHA_MIN, Projection, project
from shared.camera import Camera
from shared.low_pass import EPS2D

TRANSMITTANCE_MIN = 1e-4
"""A pixel ends before its transmittance would fall this low."""

TILE = 16
_GRAPH_PAIRS_MAX = 1 << 24
"""Pixel-Gaussian pairs whose autograd graph is kept; above, tiles are computed again instead."""


def rasterise(
    gaussians: Gaussians,
    camera: Camera,
    *,
    mask_gradient: bool,
    alpha_max: float,
    near_m: float,
    extent: str = "opacity",
    eps2d: float = EPS2D,
) -> tuple[Tensor, Tensor, Tensor]:
    """Composites Gaussians; see the module's text.

    Returns:
        features [H, W, C], transmittance [H, W], weighted z [H, W] (metres, not normalised).
    """
    opacities = gaussians.opacities
    reaching = torch.where(opacities == 0, 1.0, opacities) if mask_gradient else opacities
    projected = project(
        gaussians, camera, visible_opacities=reaching.detach(), near_m=near_m, eps2d=eps2d
    )
    lists = _tile_lists(projected, camera, extent)
    pairs = sum(len(items) for items in lists) * TILE * TILE
    values = (
        projected.means2d,
        projected.conics,
        projected.depths,
        opacities,
        gaussians.features,
    )
    recompute = torch.is_grad_enabled() and pairs > _GRAPH_PAIRS_MAX
    columns = -(-camera.width // TILE)
    strips = []
    for first in range(0, len(lists), columns):
        strip = []
        for column in range(columns):
            origin = (column * TILE, first // columns * TILE)
            means2d, conics, depths, some_opacities, features = (
                value[lists[first + column]] for value in values
            )
            arguments = (means2d, conics, depths, some_opacities, features, origin, alpha_max)
            if recompute:
                strip.append(checkpoint(_composite_tile, *arguments, use_reentrant=False))
            else:
                strip.append(_composite_tile(*arguments))
        strips.append(torch.cat(strip, dim=1))  # [16, columns * 16, C + 2]
    picture = torch.cat(strips)[: camera.height, : camera.width]
    return picture[..., :-2], picture[..., -2], picture[..., -1]


@torch.no_grad()
def _tile_lists(projected: Projection, camera: Camera, extent: str) -> list[Tensor]:
    """Indices of the Gaussians of each tile, row-major tiles, near to far, ties by index."""
    columns, rows = -(-camera.width // TILE), -(-camera.height // TILE)
    index = torch.nonzero(projected.visible)[:, 0]
    index = index[torch.sort(projected.depths[index], stable=True).indices]
    centre, reach = projected.means2d[index], projected.extents[index] + 0.01
    last_tile = torch.tensor([columns, rows], device=centre.device)
    low = ((centre - reach) / TILE).floor().long().clamp_min(0).minimum(last_tile)
    high = ((centre + reach) / TILE).ceil().long().clamp_min(0).minimum(last_tile)
    if extent == "three_sigma":
        corner, radius = centre - 0.5, projected.radii[index, None]  # pixels count from 0
        low = low.maximum(((corner - radius) / TILE).floor().long())
        high = high.minimum(((corner + radius + TILE - 1) / TILE).floor().long()).maximum(low)
    span = high - low  # [M, 2]
    counts = span.prod(-1)
    owner = torch.repeat_interleave(torch.arange(len(index), device=index.device), counts)
    nth = torch.arange(len(owner), device=index.device) - (counts.cumsum(0) - counts)[owner]
    tile_x = low[owner, 0] + nth % span[owner, 0]
    tile_y = low[owner, 1] + nth // span[owner, 0]
    tile = tile_y * columns + tile_x
    tile_sorted, by_tile = torch.sort(tile, stable=True)
    lengths = torch.bincount(tile_sorted, minlength=columns * rows)
    return list(torch.split(index[owner[by_tile]], lengths.tolist()))


def _composite_tile(
    means2d: Tensor,
    conics: Tensor,
    depths: Tensor,
    opacities: Tensor,
    features: Tensor,
    origin: tuple[int, int],
    alpha_max: float,
) -> Tensor:
    """One tile [16, 16, C + 2]: features, transmittance, weighted z. Inputs are its K, sorted."""
    steps = torch.arange(TILE, dtype=means2d.dtype, device=means2d.device) + 0.5
    dx = (origin[0] + steps)[None, None, :] - means2d[:, 0, None, None]  # [K, 1, 16]
    dy = (origin[1] + steps)[None, :, None] - means2d[:, 1, None, None]  # [K, 16, 1]
    a, b, c = (column[:, None, None] for column in conics.unbind(-1))
    power = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy  # [K, 16, 16]
    falloff = torch.exp(-power)
    opacity = opacities[:, None, None]
    # opacity 0 is here only under mask_gradient: value 0, but a gradient
    seen = torch.where(opacity == 0, falloff, (opacity * falloff).clamp_max(alpha_max)).detach()
    hit = (power.detach() >= 0) & (seen >= ALPHA_MIN)
    alpha = torch.where(hit, (opacity * falloff).clamp_max(alpha_max), 0)
    after = torch.cumprod(1 - alpha, dim=0)
    passed = after.detach() > TRANSMITTANCE_MIN
    before = torch.cat([torch.ones_like(after[:1]), after[:-1]])[: len(after)]
    weight = torch.where(passed, alpha * before, 0)
    final = torch.where(passed, 1 - alpha, 1).prod(0)  # [16, 16]
    columns = torch.cat([features, depths[:, None]], dim=-1)  # [K, C + 1]
    sums = (weight.flatten(1).T @ columns).unflatten(0, (TILE, TILE))  # [16, 16, C + 1]
    return torch.cat([sums[..., :-1], final[..., None], sums[..., -1:]], dim=-1)
