"""The splitting network."""

from __future__ import annotations

import torch

from backend.model.graph import MeshGraph, mesh_edges
from backend.model.gsn import SplittingNetwork

FACES = torch.tensor([[0, 1, 2], [1, 3, 2], [3, 4, 2]])


def test_children_of_a_node_are_contiguous_and_inherit_its_feature() -> None:
    network = SplittingNetwork(width=8, heads=4, split=2)
    torch.nn.init.zeros_(network.spread.weight)
    with torch.no_grad():
        network.spread.bias.copy_(torch.arange(16) * 100.0)
    graph = MeshGraph(5, mesh_edges(FACES), split=2, layers=1)
    features = torch.randn(1, 5, 8)

    children = network(features, graph, 0)

    assert children.shape == (1, 10, 8)
    bias = torch.arange(16).view(2, 8) * 100.0
    for child in range(10):
        torch.testing.assert_close(children[0, child], features[0, child // 2] + bias[child % 2])


def test_renaming_the_vertices_renames_the_children_and_changes_nothing_else() -> None:
    torch.manual_seed(0)
    network = SplittingNetwork(width=8, heads=4, split=3)
    order = torch.tensor([3, 0, 4, 1, 2])  # new id of every vertex
    graph = MeshGraph(5, mesh_edges(FACES), split=3, layers=2)
    renamed = MeshGraph(5, mesh_edges(order[FACES]), split=3, layers=2)
    features = torch.randn(1, 5, 3, 8)
    moved = torch.empty_like(features)
    moved[:, order] = features

    children = network(features.flatten(1, 2), graph, 1).view(1, 5, 9, 8)
    other = network(moved.flatten(1, 2), renamed, 1).view(1, 5, 9, 8)

    torch.testing.assert_close(other[:, order], children, atol=1e-5, rtol=0)
