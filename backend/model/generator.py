"""The Gaussian generator: raw attributes of G0, one Gaussian per head vertex."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.model.embedding import zero_linear

OCTAVES = 4
DIRECTION_CODE = 3 * (2 * OCTAVES + 1)
"""27: sines, cosines, then the direction itself."""


def harmonic_code(direction: Tensor) -> Tensor:
    """Harmonic code of unit directions [B, 3] -> [B, 27].

    [sin(2^0 x) .. sin(2^3 x) per coordinate, cosines likewise, x, y, z].
    """
    frequencies = 2.0 ** torch.arange(OCTAVES, device=direction.device, dtype=direction.dtype)
    angles = (direction[..., None] * frequencies).flatten(-2)  # [B, 12]
    return torch.cat([angles.sin(), angles.cos(), direction], dim=-1)


class GaussianGenerator(nn.Module):
    """[vertex embedding, global feature, direction code] -> MLP -> four heads.

    Args:
        vertices: Head vertices V.
        width: Width of the vertex embedding and of the MLP.
        global_channels: Size of the encoder's global feature.
        channels: Features per Gaussian, C.

    Source: Sec. 3.2.
    Deviates: the heads' last layers start at zero, so that an untrained network gives raw 0.
    """

    def __init__(self, vertices: int, width: int, global_channels: int, channels: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(vertices, width))
        # The portrait's part of the first layer is the same for all vertices: computed once.
        self.vertex_in = nn.Linear(width, width)
        self.portrait_in = nn.Linear(global_channels + DIRECTION_CODE, width, bias=False)
        self.trunk = nn.Sequential(
            nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        sizes = {"opacity": 1, "rotation": 4, "scale": 3, "features": channels}
        self.heads = nn.ModuleDict({n: _head(width, size) for n, size in sizes.items()})

    def forward(self, global_feature: Tensor, direction: Tensor) -> Tensor:
        """Raw G0 of a portrait.

        Args:
            global_feature: [B, global_channels].
            direction: [B, 3] the source camera's forward direction in head space.

        Returns:
            [B, V, 11 + C]; the offset is 0: G0's means are the posed vertices.
        """
        portrait = torch.cat([global_feature, harmonic_code(direction)], dim=-1)
        x = self.vertex_in(self.embedding)[None] + self.portrait_in(portrait)[:, None]
        x = self.trunk(x)  # [B, V, width]
        offset = x.new_zeros(*x.shape[:2], 3)
        return torch.cat([offset, *(head(x) for head in self.heads.values())], dim=-1)


def _head(width: int, size: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), zero_linear(width, size))
