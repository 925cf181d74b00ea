"""Brows rise whole, and uncover skin."""

from __future__ import annotations

import pytest
import torch

from backend.avatar.brows import Brows
from backend.head import Head
from tests.unit.avatar.painted import SHADE, SKIN, vertices

UP = {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}
DOWN = {"browDownLeft": 1.0, "browDownRight": 1.0}


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


def brows_of(head: Head, **units: float) -> Brows:
    now, rest = vertices(head, **units), vertices(head)
    return Brows(now, rest, Brows.raised(head, None), head.regions)


def gone(brows: Brows, places: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
    """[V] as `shared.binding` has it, `folded` left out."""
    left = ((places - rest) * brows.way).sum(1) / brows.way.square().sum(1).clamp_min(1e-8)
    return (brows.start - left).clamp(0, 1)


@pytest.mark.parametrize("portrait", [{}, DOWN, {"browInnerUp": 0.4, "browOuterUpLeft": 0.4}])
def test_they_rise_from_where_the_portrait_has_them(head, portrait):
    rest, brows = vertices(head), brows_of(head, **portrait)
    hangs = brows.hanging
    assert hangs.any()
    assert gone(brows, vertices(head, **portrait), rest)[hangs].abs().max() < 1e-3
    assert gone(brows, vertices(head, **UP), rest)[hangs].min() == 1


def test_half_raised_brows_are_on_their_way(head):
    half = vertices(head, **dict.fromkeys(UP, 0.5))
    brows = brows_of(head)
    found = gone(brows, half, vertices(head))[brows.hanging]
    assert found.min() > 0.35
    assert found.max() < 0.5


def test_brows_and_what_is_between_them_and_the_lids_hang(head):
    hangs, rest = brows_of(head).hanging, vertices(head)
    assert hangs[head.regions["brows"]].all()
    highest, lids = rest[head.regions["brows"], 1].max(), rest[head.regions["lids"], 1]
    assert rest[hangs, 1].max() <= highest
    assert rest[hangs, 1].min() > lids.min()


def dense(head: Head) -> torch.Tensor:
    """[N, 3] places half a millimetre apart between the left eye and its brow."""
    rest = vertices(head)
    brow, lids = (rest[head.regions[n] & (rest[:, 0] > 0)] for n in ("brows", "lids"))
    x = torch.arange(float(brow[:, 0].min()), float(brow[:, 0].max()), 5e-4)
    y = torch.arange(float(lids[:, 1].max()), float(brow[:, 1].max()), 5e-4)
    return torch.cartesian_prod(x, y, brow[:, 2].mean()[None])


def risen(head: Head, dark: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """[N] how light places [N, 3] get, as a share of skin, where those that are `dark` [N] were."""
    colours = torch.where(dark[:, None], SHADE, SKIN)
    at = torch.arange(len(places))
    found = brows_of(head).risen(places, colours, at, SKIN.expand(len(places), 3))
    return found.sum(1) / SKIN.sum()


def test_hair_below_the_meshs_brow_is_skin_once_it_has_risen(head):
    places = dense(head)
    below = brows_of(head).below(places)
    light = risen(head, below < 0.005, places)
    assert light[below < 0].median() < 0.6, "the brow itself stays"
    assert light[(below > 0.004) & (below < 0.005)].median() > 0.85


def test_a_fold_far_below_the_brow_is_no_hair(head):
    places = dense(head)
    below = brows_of(head).below(places)
    assert (below > 0.007).any()
    light = risen(head, below > 0.006, places)
    assert light.min() > 0.85


def shaded(head: Head, forehead: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[N] metres below the brow, and [N, 3] skin there where that `forehead` [3] is above it."""
    brows, at = brows_of(head), dense(head)
    places = torch.cat([at, at + torch.tensor([0.0, 0.012, 0.0])])
    above = (brows.below(places) < 0)[:, None]
    colours = torch.where(above, forehead, SHADE)
    return brows.below(at), brows.shaded(places, colours, at, SHADE.expand(len(at), 3))


def test_skin_that_is_uncovered_goes_from_the_lids_tone_to_the_foreheads(head):
    below, found = shaded(head, SKIN)
    way = (found - SHADE).sum(1) / (SKIN - SHADE).sum()
    assert way[below.abs() < 0.001].median() == pytest.approx(0.8, abs=0.1)
    assert way[below > below.max() - 0.001].median() < 0.3
    assert (way > -1e-4).all()
    assert (way < 1).all()


def test_where_hair_hides_the_forehead_skin_is_as_around_the_eyes(head):
    brows, at = brows_of(head), dense(head)
    low = brows.below(at) > 0
    around = SHADE.expand(len(at), 3)
    found = brows.shaded(at[low], around[low], at, around)
    assert torch.equal(found, around)


def test_heads_without_brows_have_none_that_hang(head):
    none = torch.zeros_like(head.regions["brows"])
    rest = vertices(head)
    brows = Brows(rest, rest, Brows.raised(head, None), {**head.regions, "brows": none})
    assert not brows.hanging.any()
