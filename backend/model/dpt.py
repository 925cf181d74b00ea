"""GAGAvatar's feature adapter: DINOv2's last four blocks, fused from coarse to fine."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.model.adapter import PLANES
from backend.model.attributes import PLANE_GEOMETRY
from backend.model.dinov2 import normalise_image, resize_for_patches
from backend.model.encoder import EncoderOutput
from backend.model.generator import DIRECTION_CODE, harmonic_code

_LEVEL_WIDTHS = (256, 512, 1024, 1024)
_HEAD_WIDTH = 128


class ResidualUnit(nn.Module):
    """x + conv(relu(conv(relu(x)))), 3x3."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, width, h, w] -> the same shape."""
        return x + self.conv2(torch.relu(self.conv1(torch.relu(x))))


class Fusion(nn.Module):
    """Joins the coarser path with a level and goes on to the next finer grid.

    Args:
        width: Channels.
        joins: Whether a coarser path comes in; the coarsest level has none (baseline.md Q8).
    """

    def __init__(self, width: int, joins: bool) -> None:
        super().__init__()
        self.level = ResidualUnit(width) if joins else None
        self.joined = ResidualUnit(width)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, level: Tensor, coarser: Tensor | None, side: int) -> Tensor:
        """Maps [B, width, h, w] of this level and the path so far -> [B, width, side, side]."""
        x = level
        if self.level is not None:
            assert coarser is not None
            x = coarser + self.level(level)
        x = self.joined(x)
        x = F.interpolate(x, size=(side, side), mode="bilinear", align_corners=True)
        return self.out(x)


class DptAdapter(nn.Module):
    """DPT head on DINOv2's tokens, then one convolutional head per plane.

    Args:
        map_channels: Channels of the encoder's 4 maps.
        grid: Side of a plane, cells: 8 times the encoder's patches on a side.
        width: Channels of the fused maps.
        channels: Features per Gaussian, C.

    Source: baseline.md, Architecture.
    """

    def __init__(self, map_channels: tuple[int, ...], grid: int, width: int, channels: int) -> None:
        super().__init__()
        self.grid = grid
        self.projections = nn.ModuleList(
            nn.Conv2d(given, level, 1)
            for given, level in zip(map_channels, _LEVEL_WIDTHS, strict=True)
        )
        first, second, _, last = _LEVEL_WIDTHS
        self.resizes = nn.ModuleList(
            [
                nn.ConvTranspose2d(first, first, 4, stride=4),
                nn.ConvTranspose2d(second, second, 2, stride=2),
                nn.Identity(),
                nn.Conv2d(last, last, 3, stride=2, padding=1),
            ]
        )
        self.merges = nn.ModuleList(
            nn.Conv2d(level + 3, width, 3, padding=1, bias=False) for level in _LEVEL_WIDTHS
        )
        # fine to coarse, as the levels
        self.fusions = nn.ModuleList(Fusion(width, joins=level < 3) for level in range(4))
        self.output = nn.Conv2d(width, width, 3, padding=1)
        self.planes = nn.ModuleList(
            _plane_head(width + DIRECTION_CODE, PLANE_GEOMETRY + channels) for _ in range(PLANES)
        )

    def forward(self, encoded: EncoderOutput, image: Tensor, direction: Tensor) -> Tensor:
        """Raw attributes of both planes.

        Args:
            encoded: DINOv2's output.
            image: [B, 3, S, S] display sRGB 0..1.
            direction: [B, 3] the source camera's forward direction in head space.

        Returns:
            [B, 2, grid * grid, 9 + C], front plane first, row-major cells.
        """
        return plane_outputs(self.planes, self.fused(encoded, image), direction)

    def fused(self, encoded: EncoderOutput, image: Tensor) -> Tensor:
        """Feature map [B, width, grid, grid] of a portrait; arguments as in `forward`."""
        picture = normalise_image(resize_for_patches(image))
        levels = []
        for tokens, project, resize, merge in zip(
            encoded.maps, self.projections, self.resizes, self.merges, strict=True
        ):
            x = resize(project(tokens))
            size = x.shape[-2:]
            small = F.interpolate(picture, size=size, mode="bilinear", antialias=True)
            levels.append(merge(torch.cat([small, x], dim=1)))  # picture: channels 0-2
        sides = [self.grid, *(level.shape[-1] for level in levels[:-1])]
        path = None
        for index in (3, 2, 1, 0):
            path = self.fusions[index](levels[index], path, sides[index])
        return self.output(path)


def plane_outputs(heads: nn.ModuleList, features: Tensor, direction: Tensor) -> Tensor:
    """Raw planes [B, 2, P, 9 + C] of feature maps [B, c, grid, grid].

    The heads' channels are GAGAvatar's: features, opacity, scale, rotation, offset. Here they get
    the order of `backend.model.attributes`.
    """
    code = harmonic_code(direction)[..., None, None].expand(-1, -1, *features.shape[-2:])
    x = torch.cat([features, code], dim=1)
    planes = []
    for head in heads:
        cells = head(x).flatten(2).mT  # [B, P, C + 9]
        channels = cells.shape[-1] - PLANE_GEOMETRY
        sizes = (channels, 1, 3, 4, 1)
        colour, opacity, scale, rotation, offset = cells.split(sizes, dim=-1)
        planes.append(torch.cat([offset, opacity, scale, rotation, colour], dim=-1))
    return torch.stack(planes, dim=1)


def _plane_head(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, _HEAD_WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(_HEAD_WIDTH, _HEAD_WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(_HEAD_WIDTH, _HEAD_WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(_HEAD_WIDTH, outputs, 1),
    )
