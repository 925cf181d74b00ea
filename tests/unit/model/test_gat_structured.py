"""Attention without an edge list against torch-geometric's on the edge list."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.model.gat import ReferenceAttention, StructuredAttention
from backend.model.graph import MeshGraph, mesh_edges
from backend.model.neighbours import NeighbourTables

WIDTH, HEADS, SIZE = 10, 4, 3


@pytest.fixture(scope="module")
def edges(head) -> Tensor:
    """The small head's, with one vertex that has 25 neighbours, as a FLAME eyeball's pole has."""
    pole = torch.stack([torch.zeros(24, dtype=torch.long), torch.arange(100, 124)], dim=1)
    return torch.unique(torch.cat([mesh_edges(torch.from_numpy(head.faces)), pole]), dim=0)


def outcome(attention: torch.nn.Module, graph, layer: int, x: Tensor) -> dict[str, Tensor]:
    """The output, and the gradients of a random sum of it."""
    attention.zero_grad()
    given = x.clone().requires_grad_()
    out = attention(given, graph, layer)
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    (out * weights).sum().backward()
    found = {name: p.grad for name, p in attention.named_parameters()}
    return {"out": out.detach(), "x": given.grad} | found  # type: ignore[return-value]


def pair(seed: int = 0) -> tuple[ReferenceAttention, StructuredAttention]:
    torch.manual_seed(seed)
    reference = ReferenceAttention(WIDTH, HEADS, SIZE)
    torch.nn.init.normal_(reference.conv.bias)
    structured = StructuredAttention(WIDTH, HEADS, SIZE)
    structured.load_state_dict(reference.state_dict())
    return reference, structured


@pytest.mark.parametrize(("split", "layer"), [(1, 0), (2, 0), (2, 1), (2, 2), (3, 1), (4, 1)])
def test_both_forms_agree_forward_and_in_every_gradient(edges, split, layer) -> None:
    reference, structured = pair()
    x = torch.randn(2, 162 * split**layer, WIDTH)
    wanted = outcome(reference, MeshGraph(162, edges, split, layer + 1), layer, x)
    tables = NeighbourTables(162, edges, split, layer + 1, HEADS)
    found = outcome(structured, tables, layer, x)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        size = value.abs().max().clamp_min(1)
        torch.testing.assert_close(found[name] / size, value / size, atol=1e-5, rtol=0, msg=name)


def test_they_agree_where_logits_are_large(edges) -> None:
    reference, structured = pair()
    x = torch.randn(1, 324, WIDTH) * 100
    wanted = reference(x, MeshGraph(162, edges, 2, 2), 1)
    found = structured(x, NeighbourTables(162, edges, 2, 2, HEADS), 1)
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-5)


def test_one_seed_starts_both_forms_alike() -> None:
    torch.manual_seed(4)
    reference = ReferenceAttention(WIDTH, HEADS, SIZE).state_dict()
    torch.manual_seed(4)
    structured = StructuredAttention(WIDTH, HEADS, SIZE).state_dict()
    assert list(structured) == list(reference)
    assert all(torch.equal(structured[name], value) for name, value in reference.items())


def test_gradients_equal_finite_differences() -> None:
    torch.manual_seed(0)
    strip = torch.tensor([[0, 1], [0, 2], [1, 2], [1, 3], [2, 3], [3, 4]])
    tables = NeighbourTables(5, strip, 2, 2, HEADS)
    attention = StructuredAttention(WIDTH, HEADS, SIZE).double()
    x = torch.randn(2, 10, WIDTH, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: attention(x, tables, 1), (x,))


def test_a_few_vertices_with_many_neighbours_get_a_table_of_their_own(edges) -> None:
    tables = NeighbourTables(162, edges, 2, 1, HEADS).tables()
    assert [table.neighbours.shape[1] for table in tables] == [7, 29]
    assert [len(table.ids) for table in tables] == [161, 1]


def test_mixed_precision_sums_in_full(edges) -> None:
    reference, structured = pair()
    x = torch.randn(1, 324, WIDTH, requires_grad=True)
    tables = NeighbourTables(162, edges, 2, 2, HEADS)
    with torch.autocast("cpu", torch.bfloat16):
        wanted = reference(x, MeshGraph(162, edges, 2, 2), 1)
        found = structured(x, tables, 1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted.float(), atol=2e-2, rtol=0)
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
