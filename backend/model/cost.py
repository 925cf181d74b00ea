"""How big a network is and what it costs: parameters, operations, Gaussians, edges."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from backend.configs.network import ModelConfig
from backend.model.graph import edge_counts, mesh_edges
from backend.model.head_mesh import HeadMesh
from backend.model.splitavatar import SplitAvatar

_PARTS = {
    "encoder": ("encoder",),
    "adapter": ("adapter",),
    "generator": ("generator",),
    "gsn": ("embeddings", "splitting", "decoders", "masks"),
    "renderer": ("renderer",),
}


def network_facts(config: ModelConfig, head: HeadMesh) -> dict[str, Any]:
    """Everything that follows from a config and a head's size.

    Returns:
        parameters {part: {trainable, frozen}, total, trainable, frozen}; gflop (one portrait, one
        frame) {per_portrait {part, total}, per_frame {part, total}, counted}; gaussians {identity,
        expression, layers, total}; edges [{layer, topo, conn}] of the graphs that split.
    """
    vertices = len(head.v_template)
    edges = len(mesh_edges(torch.as_tensor(head.faces)))
    model = _counted_model(config, head)
    layers = [vertices * config.g0_copies * config.copies(i) for i in range(config.layers + 1)]
    identity = 2 * config.grid**2
    counts = [edge_counts(vertices, edges, config.split, i) for i in range(config.layers)]
    return {
        "parameters": _parameters(model),
        "gflop": _gflop(model, [2 * (c.topo + c.conn) for c in counts]),
        "gaussians": {
            "identity": identity,
            "expression": sum(layers),
            "layers": layers,
            "total": identity + sum(layers),
        },
        "edges": []
        if config.attention == "mlp"
        else [{"layer": i, "topo": c.topo, "conn": c.conn} for i, c in enumerate(counts)],
    }


def _counted_model(config: ModelConfig, head: HeadMesh) -> SplitAvatar:
    """The network; without memory for its weights where no package brings them."""
    if not config.encoder.startswith("dinov2"):
        return SplitAvatar(config, head).eval()
    with torch.device("meta"):
        return SplitAvatar(config, head).eval().to("meta")


def _parameters(model: SplitAvatar) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for part, names in _PARTS.items():
        values = [p for name in names for p in _child(model, name).parameters()]
        trainable = sum(p.numel() for p in values if p.requires_grad)
        frozen = sum(p.numel() for p in values) - trainable
        if values:
            table[part] = {"trainable": trainable, "frozen": frozen}
    for kind in ("trainable", "frozen"):
        table[kind] = sum(row[kind] for row in table.values() if isinstance(row, dict))
    table["total"] = table["trainable"] + table["frozen"]
    return table


def _child(model: SplitAvatar, name: str) -> nn.Module:
    return getattr(model, name) or nn.Identity()


@torch.no_grad()
def _gflop(model: SplitAvatar, directed_edges: list[int]) -> dict[str, Any]:
    config = model.config
    model.requires_grad_(False)  # or the counter looks for a backward pass
    zeros = partial(torch.zeros, device=next(model.parameters()).device)
    image = zeros(1, 3, config.image_size, config.image_size)
    forward = zeros(1, 3)
    encoder, seen = _counted(partial(model.encoder, image))
    adapter, _ = _counted(partial(model.adapter, seen, image, forward))
    generator, g0_raw = _counted(partial(model.generator, seen.global_feature, forward))
    vertices, frames = zeros(1, model.vertices, 3), zeros(1, model.vertices, 3, 3)
    gsn, _ = _counted(partial(model.expression, g0_raw, vertices, frames))
    renderer = 0
    if model.renderer is not None:
        features = zeros(1, config.channels, config.image_size, config.image_size)
        renderer, _ = _counted(partial(model.renderer, features))
    gsn += _message_flop(model, directed_edges)
    return {
        "per_portrait": _giga({"encoder": encoder, "adapter": adapter, "generator": generator}),
        "per_frame": _giga({"gsn": gsn, "renderer": renderer}),
        "counted": "matrix products, convolutions, attention (a multiplication and an addition "
        "are 2); not the rasteriser and what is done element by element",
    }


def _counted(part: Callable[[], Any]) -> tuple[int, Any]:
    with FlopCounterMode(display=False) as counter:
        result = part()
    return counter.get_total_flops(), result


def _message_flop(model: SplitAvatar, directed_edges: list[int]) -> int:
    """The graph attention's logits and weighted sums, which are no matrix products."""
    if model.config.attention == "mlp":
        return 0
    width = model.config.head_width * model.config.heads
    total = 0
    for layer, directed in enumerate(directed_edges):
        nodes = model.vertices * model.config.copies(layer)
        total += 2 * width * (directed + nodes) + 4 * width * nodes
    return total


def _giga(parts: dict[str, int]) -> dict[str, float]:
    flops = parts | {"total": sum(parts.values())}
    return {name: round(value / 1e9, 3) for name, value in flops.items()}
