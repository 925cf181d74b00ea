"""GAGAvatar's Gaussian generator: raw attributes of G0, one Gaussian per head vertex."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.model.generator import DIRECTION_CODE, harmonic_code

_HEAD_WIDTH = 128


class BaselineGenerator(nn.Module):
    """[vertex embedding, global feature] -> MLP; ++ direction code -> four heads.

    Args:
        vertices: Head vertices V.
        width: Width of the vertex embedding and of the MLP.
        global_channels: Size of the encoder's global feature.
        channels: Features per Gaussian, C.
        copies: Gaussians per vertex (Table 5, baseline_15x: the heads' outputs widened).

    Source: baseline.md, Expression branch.
    """

    def __init__(
        self, vertices: int, width: int, global_channels: int, channels: int, copies: int = 1
    ) -> None:
        super().__init__()
        self.copies = copies
        self.embedding = nn.Parameter(torch.randn(vertices, width))
        self.trunk = nn.Sequential(
            nn.Linear(width + global_channels, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, width),
        )
        inputs = width + DIRECTION_CODE
        sizes = {"opacity": 1, "rotation": 4, "scale": 3, "features": channels}
        self.heads = nn.ModuleDict({n: _head(inputs, size * copies) for n, size in sizes.items()})

    def forward(self, global_feature: Tensor, direction: Tensor) -> Tensor:
        """Raw G0 of a portrait.

        Args:
            global_feature: [B, global_channels].
            direction: [B, 3] the source camera's forward direction in head space.

        Returns:
            [B, V * copies, 11 + C], a vertex's copies together; the offset is 0.
        """
        batch, vertices = len(global_feature), len(self.embedding)
        x = torch.cat(
            [
                self.embedding.expand(batch, -1, -1),
                global_feature[:, None].expand(-1, vertices, -1),
            ],
            dim=-1,
        )
        code = harmonic_code(direction)[:, None].expand(-1, vertices, -1)
        x = torch.cat([self.trunk(x), code], dim=-1)  # [B, V, width + 27]
        parts = [
            head(x).unflatten(-1, (self.copies, -1)).flatten(1, 2) for head in self.heads.values()
        ]
        offset = x.new_zeros(batch, vertices * self.copies, 3)
        return torch.cat([offset, *parts], dim=-1)


def _head(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, _HEAD_WIDTH), nn.ReLU(), nn.Linear(_HEAD_WIDTH, outputs))
