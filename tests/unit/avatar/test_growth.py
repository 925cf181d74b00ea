"""Splats grow with the skin they lie on."""

from __future__ import annotations

import pytest
import torch

from backend.avatar.growth import Growth
from backend.head import Head
from tests.unit.avatar.painted import SKIN, on_vertices, vertices

BROWS_UP = {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


def grown(head: Head, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """[V] how much larger a splat on each vertex becomes."""
    of = torch.arange(len(after), dtype=torch.int32)
    cloud = on_vertices(after, SKIN.expand(len(after), 3), of)
    return Growth(before, head).grown(cloud, after).scales[:, 0] / cloud.scales[:, 0]


def test_nothing_grows_at_the_portraits_own_expression(head):
    raised = vertices(head, **BROWS_UP)
    assert torch.equal(grown(head, raised, raised), torch.ones(len(raised)))


def test_skin_between_brow_and_lid_grows_as_the_brow_rises(head):
    rest = vertices(head)
    times = grown(head, rest, vertices(head, **BROWS_UP))
    above = rest[:, 1] - rest[head.regions["lids"], 1].max()
    middle = rest[head.regions["left_eyeball"], 0].mean()
    between = head.regions["face"] & (above > 0) & (above < 0.008)
    between &= (rest[:, 0] - middle).abs() < 0.012
    assert between.sum() > 10
    assert times[between].max() > 1.2
    assert times[between].max() <= 2
    assert times[head.regions["chin"]].max() == 1


def test_a_tongue_that_is_out_has_no_gaps(head):
    times = grown(head, vertices(head), vertices(head, tongueOut=1.0, jawOpen=0.4))
    assert times[head.regions["tongue"]].max() > 1.1
    assert times[head.regions["teeth_lower"]].max() == 1


def test_larger_by_the_root_of_the_area(head):
    rest = vertices(head)
    times = grown(head, rest, 1.65 * rest)
    assert times[head.regions["cheeks"]] == pytest.approx(1.5, abs=1e-3)
    assert times[head.regions["lids"]].max() == 1
    assert times[head.regions["left_eyeball"]].max() == 1


def test_skin_that_shrinks_keeps_its_splats(head):
    rest = vertices(head)
    assert torch.equal(grown(head, rest, 0.7 * rest), torch.ones(len(rest)))
