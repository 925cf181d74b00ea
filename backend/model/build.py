"""The parts of a network, chosen by its config. Heavy parts are imported only where wanted."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from backend.configs.network import ModelConfig
from backend.model.graph import MeshGraph
from backend.model.neighbours import NeighbourTables


def encoder(config: ModelConfig) -> Any:
    """The frozen image encoder: has `global_channels`, `map_channels`; image -> EncoderOutput."""
    if config.encoder == "dinov2_vitb14":
        from backend.model.dinov2 import DinoV2

        return DinoV2(config.image_size, config.global_feature)
    if config.encoder == "dinov2_s":
        from backend.model.dinov2_small import DinoV2Small

        return DinoV2Small(config.image_size, config.global_feature)
    from backend.model.encoder import EfficientNetLite0

    return EfficientNetLite0(config.image_size)


def adapter(config: ModelConfig, seen: Any) -> nn.Module:
    """(EncoderOutput, image [B, 3, S, S], direction [B, 3]) -> raw planes [B, 2, P, 9 + C].

    Args:
        config: `adapter`, `grid`, `adapter_width`, `channels`.
        seen: The encoder.
    """
    sizes = (seen.map_channels, config.grid, config.adapter_width, config.channels)
    if config.adapter == "vit":
        from backend.model.vit_adapter import VitAdapter

        return VitAdapter(*sizes)
    if config.adapter == "dpt":
        from backend.model.dpt import DptAdapter

        return DptAdapter(*sizes)
    from backend.model.adapter import ConvAdapter

    return ConvAdapter(*sizes)


def generator(config: ModelConfig, vertices: int, seen: Any) -> nn.Module:
    """(global feature [B, C], direction [B, 3]) -> raw G0 [B, V * g0_copies, 11 + C].

    Args:
        config: `generator`, `width`, `channels`, `g0_copies`.
        vertices: Of the head.
        seen: The encoder.
    """
    sizes = (vertices, config.width, seen.global_channels, config.channels)
    if config.generator == "baseline":
        from backend.model.baseline_generator import BaselineGenerator

        return BaselineGenerator(*sizes, config.g0_copies)
    from backend.model.generator import GaussianGenerator

    return GaussianGenerator(*sizes)


def renderer(config: ModelConfig) -> nn.Module | None:
    """Features [B, C, H, W] -> the fine picture [B, 3, H, W]; None: the coarse one is all."""
    if config.renderer == "none":
        return None
    from backend.model.styleunet import StyleUNet

    return StyleUNet(config.image_size, config.channels, config.renderer_noise)


def graph(config: ModelConfig, vertices: int, edges: Tensor) -> nn.Module | None:
    """What the attention looks at; None where it looks at nothing.

    Args:
        config: `attention`, `split`, `layers`, `heads`.
        vertices: Of the head.
        edges: [E, 2] undirected mesh edges.
    """
    if config.attention == "mlp":
        return None
    if config.attention == "structured":
        return NeighbourTables(vertices, edges, config.split, config.layers, config.heads)
    return MeshGraph(vertices, edges, config.split, config.layers)
