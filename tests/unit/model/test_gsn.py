"""The splitting network."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.configs.network import ModelConfig
from backend.model import build
from backend.model.graph import MeshGraph, mesh_edges
from backend.model.gsn import SplittingNetwork

FACES = torch.tensor([[0, 1, 2], [1, 3, 2], [3, 4, 2]])


def test_children_of_a_node_are_contiguous_and_inherit_its_feature() -> None:
    network = SplittingNetwork(replace(ModelConfig(), width=8, attention="reference"))
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


@pytest.mark.parametrize("attention", ["reference", "structured"])
def test_renaming_the_vertices_renames_the_children_and_changes_nothing_else(attention) -> None:
    torch.manual_seed(0)
    config = replace(ModelConfig(), width=8, split=3, sites=False, attention=attention)
    network = SplittingNetwork(config)
    order = torch.tensor([3, 0, 4, 1, 2])  # new id of every vertex
    graph = build.graph(config, 5, mesh_edges(FACES))
    renamed = build.graph(config, 5, mesh_edges(order[FACES]))
    features = torch.randn(1, 5, 3, 8)
    moved = torch.empty_like(features)
    moved[:, order] = features

    children = network(features.flatten(1, 2), graph, 1).view(1, 5, 9, 8)
    other = network(moved.flatten(1, 2), renamed, 1).view(1, 5, 9, 8)

    torch.testing.assert_close(other[:, order], children, atol=1e-5, rtol=0)


def test_without_an_embedding_the_heads_are_one_wider_than_a_quarter_and_children_equal_parents():
    config = replace(ModelConfig(), embedding=False)
    network = SplittingNetwork(config)
    assert (config.node_width, config.head_width) == (43, 11)
    assert network.spread.weight.shape == (2 * 43, 44)
    features = torch.randn(1, 5, 43)
    children = network(features, build.graph(config, 5, mesh_edges(FACES)), 0)
    assert torch.equal(children, features.repeat_interleave(2, dim=1))


def test_without_a_graph_a_node_hears_no_other() -> None:
    config = replace(ModelConfig(), width=8, attention="mlp")
    network = SplittingNetwork(config)
    graph = build.graph(config, 5, mesh_edges(FACES))
    features = torch.randn(1, 5, 8)
    whole = network(features, graph, 0)
    torch.testing.assert_close(network(features[:, 3:4], graph, 0), whole[:, 6:8])
