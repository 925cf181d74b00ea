"""What a retouched picture is compared by."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.losses.perceptual import EfficientNetPerceptual
from backend.model.attributes import COLOURS
from backend.model.retoucher import CLUES, PICTURE, PLANES, SIDE_PX

_ALPHA, _EDGES, _FEATURES = 0.5, 0.5, 0.5
_FINE = 4.0
"""So much more than the rest mouth and eyes count, which are small."""

_AROUND_PX = 9
_WHOLE = 0.95


class Objective(nn.Module):
    """Absolute differences of colours, alpha and edges, and distance of features.

    Source: Eqs. 15 and 16; face-findings.md: blur is not a gain, so edges are compared too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._features = EfficientNetPerceptual(SIDE_PX)

    def forward(self, retouched: Tensor, samples: Tensor, backdrop: Tensor) -> Tensor:
        """Their weighted sum.

        Args:
            retouched: [B, 4, S, S].
            samples: [B, PLANES + 4, S, S] 0..1.
            backdrop: [B, 3, 1, 1] 0..1 colours behind everybody: alpha is no darkness.
        """
        target = samples[:, PLANES:]
        found, wanted = over(retouched, backdrop), over(target, backdrop)
        colour = ((found - wanted).abs() * _counting(samples)).mean()
        alpha = (retouched[:, COLOURS] - target[:, COLOURS]).abs().mean()
        across, down = (
            (a - b).abs().mean() for a, b in zip(edges(found), edges(wanted), strict=True)
        )
        features = self._features([found.clamp(0, 1)], wanted).float()
        return colour + _ALPHA * alpha + _EDGES * (across + down) + _FEATURES * features

    @torch.no_grad()
    def judge(self, retouched: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Of pictures on black [B, 4, S, S] each: `psnr` in dB, `features`, and `sharpness`, the
        sum of edges over the photograph's; [B] each."""
        alpha = retouched[:, COLOURS:].clamp(0, 1)
        found, wanted = retouched[:, :COLOURS].clamp_min(0).minimum(alpha), target[:, :COLOURS]
        error = (found - wanted).square().mean((1, 2, 3)).clamp_min(1e-8)
        pairs = zip(found.split(1), wanted.split(1), strict=True)
        inside = (target[:, COLOURS:] > _WHOLE).float()
        return {
            "psnr": -10 * error.log10(),
            "features": torch.stack([self._features([a], b) for a, b in pairs]),
            "sharpness": _energy(found, inside) / _energy(wanted, inside),
        }


def over(picture: Tensor, backdrop: Tensor) -> Tensor:
    """[B, 3, S, S] pictures [B, 4, S, S] before a colour."""
    return picture[:, :COLOURS] + (1 - picture[:, COLOURS:PICTURE]) * backdrop


def edges(colours: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbours, across and down."""
    return colours.diff(dim=-1), colours.diff(dim=-2)


def _counting(samples: Tensor) -> Tensor:
    """[B, 1, S, S]: how much a pixel counts."""
    first = PICTURE + CLUES.index("mouth")
    parts = samples[:, first : first + 2].sum(1, keepdim=True).clamp(0, 1)  # the eyes are next
    return 1 + _FINE * F.max_pool2d(parts, _AROUND_PX, 1, _AROUND_PX // 2)


def _energy(colours: Tensor, inside: Tensor) -> Tensor:
    across, down = edges(colours.mean(1, keepdim=True))
    whole = inside.sum((1, 2, 3)).clamp_min(1)
    sums = (across.abs() * inside[..., 1:]).sum((1, 2, 3))
    return (sums + (down.abs() * inside[..., 1:, :]).sum((1, 2, 3))) / whole
