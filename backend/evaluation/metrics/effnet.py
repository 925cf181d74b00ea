"""A feature distance without downloads: EfficientNet-Lite0 in LPIPS's form."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from backend.model.encoder import EfficientNetLite0

from .shot import Shot

_SIDE_MULTIPLE = 32


class LpipsEffnet:
    """Mean squared distance of unit-length features of four maps, summed.

    The encoder was trained for classification only: no linear layers calibrate it to people's
    judgement, so the numbers are not comparable with LPIPS.
    """

    name = "lpips_effnet"
    against: Literal["target", "source"] = "target"

    def __init__(self) -> None:
        self._encoders: dict[int, EfficientNetLite0] = {}

    @torch.inference_mode()
    def describe(self, shot: Shot) -> list[Tensor]:
        """Unit-length features; the picture is resized to a square of a multiple of 32 pixels."""
        side = max(shot.pixels.shape[:2]) // _SIDE_MULTIPLE * _SIDE_MULTIPLE or _SIDE_MULTIPLE
        if side not in self._encoders:
            self._encoders[side] = EfficientNetLite0(side)
        image = torch.from_numpy(shot.pixels).permute(2, 0, 1)[None].float() / 255
        if image.shape[2:] != (side, side):
            image = torch.nn.functional.interpolate(
                image, (side, side), mode="bilinear", antialias=True
            )
        maps = self._encoders[side](image).maps
        return [m / (m.square().sum(1, keepdim=True).sqrt() + 1e-10) for m in maps]

    @torch.inference_mode()
    def compare(self, result: list[Tensor], reference: list[Tensor]) -> float:
        """Lower is nearer."""
        pairs = zip(result, reference, strict=True)
        return float(sum((a - b).square().sum(1).mean() for a, b in pairs))

    def close(self) -> None:
        """Holds nothing that needs closing."""
