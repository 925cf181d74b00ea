"""The Gaussian feature adapter of the `open` preset: raw attributes of the two identity planes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.model.attributes import PLANE_GEOMETRY
from backend.model.encoder import EncoderOutput
from backend.model.generator import DIRECTION_CODE, harmonic_code

PLANES = 2
"""0 front, 1 back."""


class ConvAdapter(nn.Module):
    """Upsamples the encoder's maps to the grid, joins the portrait, predicts both planes.

    Args:
        map_channels: Channels of the encoder's maps, coarse to fine.
        grid: Side of a plane, cells: the coarsest map's side times a power of two.
        width: Channels at the grid's resolution.
        channels: Features per Gaussian, C.

    Source: Sec. 3.2 (dual lifting).
    Deviates: the paper's adapter is two vision transformers of depth 12 on DINOv2 tokens; this
        one is sized for a CPU. The last layers start at zero, so that untrained raw is 0.
    """

    def __init__(self, map_channels: Sequence[int], grid: int, width: int, channels: int) -> None:
        super().__init__()
        self.grid = grid
        widths = [max(width, 128 >> level) for level in range(len(map_channels))]
        self.first = nn.Conv2d(map_channels[0], widths[0], 1)
        self.merges = nn.ModuleList(
            nn.Conv2d(below + skip, above, 3, padding=1)
            for below, above, skip in zip(widths[:-1], widths[1:], map_channels[1:], strict=True)
        )
        self.portrait = nn.Conv2d(widths[-1] + 3, width, 3, padding=1)
        self.direction = nn.Linear(DIRECTION_CODE, width)
        outputs = PLANE_GEOMETRY + channels
        self.planes = nn.ModuleList(_plane_head(width, outputs) for _ in range(PLANES))

    def forward(self, encoded: EncoderOutput, image: Tensor, direction: Tensor) -> Tensor:
        """Raw attributes of both planes.

        Args:
            encoded: The encoder's output.
            image: [B, 3, S, S] display sRGB 0..1.
            direction: [B, 3] the source camera's forward direction in head space.

        Returns:
            [B, 2, grid * grid, 9 + C], row-major cells.
        """
        x = torch.relu(self.first(encoded.maps[0]))
        for merge, finer in zip(self.merges, encoded.maps[1:], strict=True):
            x = F.interpolate(x, size=finer.shape[-2:], mode="bilinear", align_corners=False)
            x = torch.relu(merge(torch.cat([x, finer], dim=1)))
        size = (self.grid, self.grid)
        x = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
        small = F.interpolate(image, size=size, mode="bilinear", antialias=True)
        x = self.portrait(torch.cat([x, small * 2 - 1], dim=1))
        x = torch.relu(x + self.direction(harmonic_code(direction))[..., None, None])
        planes = [head(x).flatten(2).mT for head in self.planes]  # 2 x [B, P, 9 + C]
        return torch.stack(planes, dim=1)


def _plane_head(width: int, outputs: int) -> nn.Sequential:
    last = nn.Conv2d(width, outputs, 1)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), last)
