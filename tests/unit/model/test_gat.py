"""Graph attention against a dense evaluation written from the equation."""

from __future__ import annotations

import numpy as np
import torch

from backend.model.gat import ReferenceAttention
from backend.model.graph import MeshGraph, mesh_edges

FACES = torch.tensor([[0, 1, 2], [1, 3, 2], [3, 4, 2]])


def dense_attention(layer: ReferenceAttention, x: np.ndarray, adjacency: np.ndarray) -> np.ndarray:
    """GAT in NumPy, float64: adjacency[s, n] says that n hears s."""
    conv = layer.conv
    heads, size = conv.heads, conv.out_channels
    assert conv.lin is not None
    weight = conv.lin.weight.detach().double().numpy()
    source, target = (p.detach().double().numpy()[0] for p in (conv.att_src, conv.att_dst))
    h = (x @ weight.T).reshape(len(x), heads, size)
    out = np.zeros_like(h)
    for head in range(heads):
        for node in range(len(x)):
            near = np.flatnonzero(adjacency[:, node])
            logits = h[near, head] @ source[head] + h[node, head] @ target[head]
            logits = np.where(logits > 0, logits, 0.2 * logits)
            weights = np.exp(logits - logits.max())
            out[node, head] = (weights / weights.sum()) @ h[near, head]
    return out.reshape(len(x), -1) + conv.bias.detach().double().numpy()


def test_attention_equals_the_dense_equation() -> None:
    torch.manual_seed(0)
    layer = ReferenceAttention(12, 4, 3)
    torch.nn.init.normal_(layer.conv.bias)
    graph = MeshGraph(5, mesh_edges(FACES), split=2, layers=3)
    x = torch.randn(1, 20, 12) * 3
    index = graph(2)
    adjacency = np.zeros((20, 20), bool)
    adjacency[index[0], index[1]] = True

    found = layer(x, graph, 2)[0].detach().numpy()

    np.testing.assert_allclose(
        found, dense_attention(layer, x[0].double().numpy(), adjacency), atol=2e-6
    )


def test_a_batch_equals_its_samples() -> None:
    torch.manual_seed(0)
    layer = ReferenceAttention(12, 4, 3)
    graph = MeshGraph(5, mesh_edges(FACES), split=2, layers=2)
    x = torch.randn(3, 10, 12)
    singles = torch.cat([layer(x[b : b + 1], graph, 1) for b in range(3)])
    torch.testing.assert_close(layer(x, graph, 1), singles, atol=1e-6, rtol=0)
