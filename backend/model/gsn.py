"""The Gaussian splitting network: one Gaussian's feature becomes k children's (Eq. 5)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from backend.configs.network import ModelConfig
from backend.model.embedding import zero_linear
from backend.model.gat import ReferenceAttention, StructuredAttention, VertexMlp


class SplittingNetwork(nn.Module):
    """N_GSN and its residual connection, for one layer.

    Args:
        config: `attention`, `heads`, `split`, `embedding`, and the width of F_i.

    Source: Eq. 5, Sec. 3.3; heads = 4 from Sec. 4.1.
    Deviates: the paper does not say how one node's feature becomes k; here a linear layer
        [-> k * width] after the attention, reshaped, so that children are contiguous. Every layer
        has its own weights (the paper does not say). Without E and D the 43 attributes are not
        divisible by 4 heads: each head is 11 wide, 44 together, and the linear layer goes 44 ->
        k * 43; it starts at zero, as the decoder's last layer does where there is one.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, self.split = config.node_width, config.split
        self.attention = _attention(config)
        mixed = config.head_width * config.heads
        spread = nn.Linear if config.embedding else zero_linear
        self.spread = spread(mixed, self.split * width)

    def forward(
        self, features: Tensor, graph: Any, layer: int, residual: Tensor | None = None
    ) -> Tensor:
        """F_i [B, N, width] -> N_GSN(F_i, E^i) + F_i, [B, k * N, width].

        Args:
            features: F_i.
            graph: What the attention looks at: `backend.model.build.graph`.
            layer: i.
            residual: [B, N, width] added in place of F_i.
        """
        kept = features if residual is None else residual
        mixed = F.elu(self.attention(features, graph, layer))
        children = self.spread(mixed).unflatten(-1, (self.split, -1))  # [B, N, k, width]
        return (children + kept[:, :, None]).flatten(1, 2)  # [B, k * N, width]


def _attention(config: ModelConfig) -> nn.Module:
    if config.attention == "mlp":
        return VertexMlp(config.node_width, config.head_width * config.heads)
    form = StructuredAttention if config.attention == "structured" else ReferenceAttention
    return form(config.node_width, config.heads, config.head_width)
