"""Samples as other cameras and other light would have given them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.model.attributes import COLOURS
from backend.model.retoucher import PLANES

_LARGER = 0.55  # octaves
_TURN_RAD = 0.12
_SHIFT = 0.2  # of half a side
_UNCHANGED = 0.3  # of the samples keep their place
_BRIGHTER, _TINT = 0.35, 0.3  # logarithms; portraits are all before one blue
_ASIDE, _ASIDE_TINT = 0.35, 0.1  # from the middle to the edge: theirs are lit from the front
_SATURATION = (0.3, 1.3)
_LEAST = 1e-3
_CONTRAST = 0.25  # of a logarithm's


def varied(samples: Tensor, chance: torch.Generator) -> Tensor:
    """Mirrored, larger, turned, moved; brighter, tinted, greyer: picture and target alike.

    Args:
        samples: [B, PLANES + 4, S, S] 0..1: `Samples.drawn`, `Samples.target`.
        chance: On the samples' device.
    """
    placed = _placed(samples, chance)
    light = _Light(len(samples), chance)
    drawn, target = placed[:, :PLANES], placed[:, PLANES:]
    return torch.cat([light(drawn), drawn[:, COLOURS:], light(target), target[:, COLOURS:]], dim=1)


def _uniform(chance: torch.Generator, *shape: int) -> Tensor:
    """-1..1."""
    return 2 * torch.rand(*shape, device=chance.device, generator=chance) - 1


def _placed(samples: Tensor, chance: torch.Generator) -> Tensor:
    count = len(samples)
    flip = _uniform(chance, count).sign()
    moves = (_uniform(chance, count) > 2 * _UNCHANGED - 1).float()
    size = 2 ** (_LARGER * moves * _uniform(chance, count))
    turn = _TURN_RAD * moves * _uniform(chance, count)
    shift = _SHIFT * moves[:, None] * _uniform(chance, count, 2)
    cosine, sine = turn.cos() / size, turn.sin() / size
    across = torch.stack([cosine * flip, -sine, shift[:, 0]], dim=-1)
    down = torch.stack([sine * flip, cosine, shift[:, 1]], dim=-1)
    theta = torch.stack([across, down], dim=1)
    grid = F.affine_grid(theta, list(samples.shape), align_corners=False)
    return F.grid_sample(samples, grid, mode="bilinear", align_corners=False)


class _Light:
    """One light for each of B samples."""

    def __init__(self, count: int, chance: torch.Generator) -> None:
        shape = (count, 1, 1, 1)
        tint = _TINT * _uniform(chance, count, COLOURS, 1, 1)
        self._gain = _BRIGHTER * _uniform(chance, *shape) + tint
        aside = _ASIDE_TINT * _uniform(chance, 2, count, COLOURS, 1, 1)
        self._aside = _ASIDE * _uniform(chance, 2, *shape) + aside
        self._contrast = (_CONTRAST * _uniform(chance, *shape)).exp()
        low, high = _SATURATION
        self._saturation = low + (high - low) * (_uniform(chance, *shape) + 1) / 2

    def __call__(self, planes: Tensor) -> Tensor:
        """[B, 3, S, S]: the premultiplied colours of planes, alpha behind them, in this light."""
        colours, alpha = planes[:, :COLOURS], planes[:, COLOURS : COLOURS + 1]
        grey = colours.mean(1, keepdim=True)
        across, down = (torch.linspace(-1, 1, n, device=planes.device) for n in planes.shape[:1:-1])
        gain = self._gain + self._aside[0] * across + self._aside[1] * down[:, None]
        lit = (grey + (colours - grey) * self._saturation).clamp_min(0) * gain.exp()
        share = (lit / alpha.clamp_min(_LEAST)).clamp(_LEAST, 1) ** self._contrast
        return (share * alpha).minimum(alpha)
