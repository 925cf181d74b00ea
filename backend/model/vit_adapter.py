"""The paper's feature adapter: one trainable vision transformer for each identity plane."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.model.adapter import PLANES
from backend.model.attributes import PLANE_GEOMETRY
from backend.model.encoder import EncoderOutput
from backend.model.generator import DIRECTION_CODE, harmonic_code
from backend.model.vit import NORM_EPS, Block
from shared.errors import AvatarError

DEPTH = 12
HEADS = 8
WIDTH = 512

_DOUBLINGS = 3
"""From the encoder's 37 patches to 74, 148 and 296 cells."""


class PlaneTransformer(nn.Module):
    """DINOv2's patch tokens -> raw attributes of one plane.

    Args:
        tokens: Channels of a token.
        side: Patches on a side.
        outputs: Channels of a cell, 9 + C.
        width: Channels at the grid's resolution.
        depth: Blocks.
        inner: Channels of the transformer.
        heads: Attention heads.
    """

    def __init__(
        self, tokens: int, side: int, outputs: int, width: int, depth: int, inner: int, heads: int
    ) -> None:
        super().__init__()
        self.side = side
        self.project = nn.Linear(tokens, inner)
        self.position = nn.Parameter(0.02 * torch.randn(1, side * side, inner))
        self.blocks = nn.ModuleList(Block(inner, heads, layer_scale=False) for _ in range(depth))
        self.norm = nn.LayerNorm(inner, eps=NORM_EPS)
        widths = [inner] + [width] * _DOUBLINGS
        self.doublings = nn.ModuleList(
            nn.ConvTranspose2d(widths[i], widths[i + 1], 4, stride=2, padding=1)
            for i in range(_DOUBLINGS)
        )
        self.direction = nn.Linear(DIRECTION_CODE, width)
        self.head = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), _last(width, outputs)
        )

    def forward(self, tokens: Tensor, code: Tensor) -> Tensor:
        """Tokens [B, side^2, tokens] and direction codes [B, 27] -> [B, P, 9 + C]."""
        x = self.project(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        x = self.norm(x).mT.unflatten(-1, (self.side, self.side))  # [B, inner, side, side]
        for index, doubling in enumerate(self.doublings):
            x = doubling(x)
            if index + 1 == len(self.doublings):
                x = x + self.direction(code)[..., None, None]
            x = torch.relu(x)
        return self.head(x).flatten(2).mT


class VitAdapter(nn.Module):
    """Two trainable vision transformers on DINOv2's last tokens, one for each plane.

    Args:
        map_channels: Channels of the encoder's maps; the last one, the final block's, is used.
        grid: Side of a plane, cells: 8 times the encoder's patches on a side.
        width: Channels at the grid's resolution.
        channels: Features per Gaussian, C.
        depth: Blocks of each transformer.
        inner: Channels of each transformer.
        heads: Attention heads of each transformer.

    Source: Sec. 3.2, Sec. 4.1 (depth 12, heads 8).
    Deviates: the paper gives depth and heads only. Width 512, the learned position embedding, three
        stride-2 transposed convolutions to 256 channels and a head of two convolutions are our
        reading (method.md 2); the source's direction code comes in as the baseline's does. The
        last layer starts at zero, so that untrained raw is 0.
    """

    def __init__(
        self,
        map_channels: tuple[int, ...],
        grid: int,
        width: int,
        channels: int,
        depth: int = DEPTH,
        inner: int = WIDTH,
        heads: int = HEADS,
    ) -> None:
        super().__init__()
        side, rest = divmod(grid, 2**_DOUBLINGS)
        if rest:
            raise AvatarError(
                "bad_file",
                f"The network setting grid is {grid}; expected a multiple of {2**_DOUBLINGS}.",
                "Correct the preset file: 8 times the encoder's patches on a side.",
            )
        outputs = PLANE_GEOMETRY + channels
        self.planes = nn.ModuleList(
            PlaneTransformer(map_channels[-1], side, outputs, width, depth, inner, heads)
            for _ in range(PLANES)
        )

    def forward(self, encoded: EncoderOutput, image: Tensor, direction: Tensor) -> Tensor:
        """Raw attributes of both planes.

        Args:
            encoded: DINOv2's output.
            image: Not looked at: all of the portrait is in the tokens.
            direction: [B, 3] the source camera's forward direction in head space.

        Returns:
            [B, 2, grid * grid, 9 + C], front plane first, row-major cells.
        """
        del image
        tokens = encoded.maps[-1].flatten(2).mT  # [B, side^2, tokens]
        code = harmonic_code(direction)
        return torch.stack([plane(tokens, code) for plane in self.planes], dim=1)


def _last(width: int, outputs: int) -> nn.Conv2d:
    last = nn.Conv2d(width, outputs, 1)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return last
