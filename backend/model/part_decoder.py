"""Tells skin, hair and clothes apart in what the frozen image encoder sees of a person."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.model.encoder import EfficientNetLite0
from backend.model.shapes import check_shape

PARTS = ("skin", "hair", "clothes")
"""Skin with all that is drawn on it: eyes, brows, lips, beards, glasses."""

_WIDTH, _FEW, _FINE = 40, 8, 16
_GROUPS = 4


class PartDecoder(nn.Module):
    """From coarse to fine through the encoder's maps, at last with the picture's own colours.

    33,000 weights; scripts/make_parser.py learns them.

    Deviates: no part of the paper. Issue "The face" asks for a parser; the encoder that ships is
        its eyes, so that few portraits suffice.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(
            nn.Conv2d(channels, _WIDTH, 1) for channels in EfficientNetLite0.map_channels
        )
        self.mix = nn.ModuleList(_mix() for _ in EfficientNetLite0.map_channels)
        self.few = nn.Conv2d(_WIDTH, _FEW, 1)
        self.fine = nn.Sequential(
            nn.Conv2d(3 + _FEW, _FINE, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_FINE, _FINE, 3, padding=1),
            nn.ReLU(),
        )
        self.out = nn.Conv2d(_FINE, len(PARTS), 1)

    def forward(self, maps: Sequence[Tensor], colours: Tensor) -> Tensor:
        """Logits of PARTS, [B, 3, S/2, S/2].

        Args:
            maps: What the encoder sees in pictures of side S.
            colours: [B, 3, S/2, S/2] the pictures at half their size, display sRGB 0..1, on black.
        """
        check_shape("colours", colours, None, 3, 2 * maps[-1].shape[2], 2 * maps[-1].shape[3])
        x = self.lateral[0](maps[0])
        x = x + self.mix[0](x)
        for level in range(1, len(maps)):
            x = self.lateral[level](maps[level]) + _doubled(x)
            x = x + self.mix[level](x)
        return self.out(self.fine(torch.cat([_doubled(self.few(x)), colours], dim=1)))


def _mix() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, groups=_WIDTH),
        nn.Conv2d(_WIDTH, _WIDTH, 1),
        nn.GroupNorm(_GROUPS, _WIDTH),
        nn.ReLU(),
    )


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
