"""The graphs of Eqs. 6-9."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.model.graph import (
    MeshGraph,
    conn_edges,
    edge_counts,
    edge_index,
    mesh_edges,
    topo_edges,
)

FLAME_VERTICES, FLAME_EDGES = 5023, 14995
FLAME_CONN = (0, 5023, 30138)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_mesh_of_flames_size_has_the_documented_edge_counts(layer: int) -> None:
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, FLAME_VERTICES, (40000, 2))
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    edges = torch.from_numpy(rng.permutation(pairs)[:FLAME_EDGES])

    counts = edge_counts(FLAME_VERTICES, FLAME_EDGES, 2, layer)
    topo, conn = topo_edges(edges, 2**layer), conn_edges(FLAME_VERTICES, 2**layer)
    index = edge_index(edges, FLAME_VERTICES, 2**layer)

    assert counts.topo == len(topo) == FLAME_EDGES * 2**layer
    assert counts.conn == len(conn) == FLAME_CONN[layer]
    nodes = FLAME_VERTICES * 2**layer
    assert index.shape == (2, 2 * (counts.topo + counts.conn) + nodes)
    assert len(torch.unique(index, dim=1)[0]) == index.shape[1], "an edge is there twice"


@pytest.mark.parametrize(("split", "layer"), [(2, 1), (2, 2), (3, 1), (4, 1)])
def test_the_edges_are_those_of_the_definition(split: int, layer: int) -> None:
    faces = torch.tensor([[0, 1, 2], [1, 3, 2], [3, 4, 2]])
    mesh = {(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (2, 4)}
    copies, vertices = split**layer, 5

    wanted = np.zeros((vertices * copies,) * 2, bool)
    for j in range(vertices):
        for p in range(vertices):
            for m in range(copies):
                for n in range(copies):
                    same_copy = m == n and (min(j, p), max(j, p)) in mesh
                    wanted[j * copies + m, p * copies + n] = same_copy or j == p

    index = edge_index(mesh_edges(faces), vertices, copies)
    found = np.zeros_like(wanted)
    found[index[0], index[1]] = True
    np.testing.assert_array_equal(found, wanted)
    assert index.shape[1] == wanted.sum()


def test_the_edges_of_a_closed_mesh_satisfy_eulers_formula(head) -> None:
    edges = mesh_edges(torch.from_numpy(head.faces))
    assert len(head.v_template) - len(edges) + len(head.faces) == 2


def test_samples_of_a_batch_share_no_edges(head) -> None:
    vertices = len(head.v_template)
    graph = MeshGraph(vertices, mesh_edges(torch.from_numpy(head.faces)), split=2, layers=2)
    single, double = graph(1), graph(1, 2)
    nodes = vertices * 2
    torch.testing.assert_close(double, torch.cat([single, single + nodes], dim=1))
    assert torch.equal(double[0] // nodes, double[1] // nodes)
