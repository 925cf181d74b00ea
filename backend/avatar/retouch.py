"""Pictures with what the retoucher adds to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.assets import RETOUCHER
from backend.assets.vendored import vendored
from backend.avatar.detail import Drawn
from backend.avatar.refine import PORTRAIT_DISTANCE_M
from backend.avatar.retoucher_hash import RETOUCHER_SHA256
from backend.model.attributes import COLOURS
from backend.model.retoucher import SIDE_PX, STRIDE, Retoucher
from backend.splat.rasterise import Raster
from shared.camera import PORTRAIT_FOCAL, Camera

_LEARNED_PX_PER_M = PORTRAIT_FOCAL / 2 * SIDE_PX / PORTRAIT_DISTANCE_M
STRENGTH = 0.6
"""Of what it adds. All of it is best for people like those that it learned from; on photographs
unlike theirs it draws blotches on cheeks that nobody has seen."""

_SMALLEST = 0.4
"""Of that size heads are left as they are below this: it has seen none so small."""

_SEEN_ALPHA = 1e-3
_SOLID_ALPHA = 0.25
"""From there on all is added, below it ever less: where splats end at once, a fringe of hair that
it adds would end in steps."""

_COVERED_PX, _REACH = 8, 9
"""Of its pixels, a square of what a neck has turned out of; squares across that count with it."""
_DOUBTED = 0.9  # of what it adds there

_AROUND = 2 * STRIDE
"""Of its pixels around who is seen: nobody stands at the edge of what it is shown."""


@dataclass(frozen=True)
class Retouch:
    """A retoucher at work.

    Args:
        network: In evaluation mode.
    """

    network: Retoucher

    @torch.no_grad()
    def __call__(self, drawn: Drawn, camera: Camera) -> Raster:
        """The picture retouched; the same in, the same out.

        It works on every n-th pixel's mean, so that heads are as large as in its training, and what
        it adds is spread again: what a sharper photograph shows beyond that stays.

        Args:
            drawn: What to retouch.
            camera: That it was drawn by.

        Returns:
            `features` [H, W, 3] display sRGB, premultiplied by `alpha`; depth of the splats.
        """
        raster = drawn.raster
        step = _step(raster, camera)
        if step is None:
            return raster
        picture = torch.cat([raster.features[..., :COLOURS], raster.alpha[..., None]], dim=-1)
        planes = torch.cat([picture, drawn.clues], dim=-1).permute(2, 0, 1)[None]
        top, left, bottom, right = _box(raster.alpha, step)
        height, width = raster.alpha.shape
        part = planes[..., top : min(bottom, height), left : min(right, width)]
        part = F.pad(part, (0, max(right - width, 0), 0, max(bottom - height, 0)))
        small = F.avg_pool2d(part, step).to(memory_format=torch.channels_last)
        added = STRENGTH * self.network(small)
        if step > 1:
            added = F.interpolate(added, scale_factor=float(step), mode="bilinear")
        added = added[0, :, : height - top, : width - left].permute(1, 2, 0)
        solid = (raster.alpha / _SOLID_ALPHA).clamp_max(1)[..., None]
        share = solid * (1 - _beside(drawn.covered, step))
        shown = picture.clone()
        part = shown[top:bottom, left:right]
        part += added * share[top:bottom, left:right]
        alpha = shown[..., COLOURS].clamp(0, 1)
        colours = shown[..., :COLOURS].clamp_min(0).minimum(alpha[..., None])
        return Raster(colours, alpha, raster.depth)


@cache
def shipped(device: str) -> Retouch:
    """The retoucher that comes with the backend.

    Raises:
        AvatarError: `bad_file` of a damaged installation.
    """
    content = vendored(
        RETOUCHER, RETOUCHER_SHA256, "The retoucher's file", "scripts/make_retoucher.py"
    )
    network = Retoucher()
    network.load(content)
    network.eval().requires_grad_(False)
    return Retouch(network.to(device, memory_format=torch.channels_last))  # pyright: ignore[reportCallIssue]


def _beside(covered: Tensor, step: int) -> Tensor:
    """[H, W, 1] 0..1: where a neck has turned out of its collar [H, W, 1], and around it: the
    retoucher has learned that a collar lies there, and draws its white up to the jaw."""
    planes = F.avg_pool2d(covered.permute(2, 0, 1)[None], _COVERED_PX * step, ceil_mode=True)
    around = F.max_pool2d(planes, _REACH, 1, _REACH // 2)
    around = F.avg_pool2d(around, 3, 1, 1, count_include_pad=False)
    around = F.interpolate(around, size=covered.shape[:2], mode="bilinear")
    return torch.maximum(covered, _DOUBTED * around[0].permute(1, 2, 0))


def _step(raster: Raster, camera: Camera) -> int | None:
    """How many pixels stand for one of the training's; None: nobody is there, or too small."""
    total = raster.alpha.sum()
    if total < 1:
        return None
    depth = float((raster.depth * raster.alpha).sum() / total)
    size = float(camera.K[0, 0]) / max(depth, 1e-3) / _LEARNED_PX_PER_M
    return None if size < _SMALLEST else max(1, round(size))


def _box(alpha: Tensor, step: int) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what is seen and a little more, multiples of what the network
    works by: places that do not shift as somebody moves, which would flicker."""
    seen = alpha > _SEEN_ALPHA
    top, bottom = _span(seen.any(1), step)
    left, right = _span(seen.any(0), step)
    return top, left, bottom, right


def _span(seen: Tensor, step: int) -> tuple[int, int]:
    unit, around = step * STRIDE, step * _AROUND
    places = seen.nonzero()
    first, last = int(places[0]) - around, int(places[-1]) + 1 + around
    first, last = max(first, 0) // unit, -(-min(last, len(seen)) // unit)
    return first * unit, last * unit
