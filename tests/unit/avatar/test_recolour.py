"""Recolouring goes a share of the way, and touches nothing else."""

from __future__ import annotations

import torch

from backend.avatar.recolour import away_from, even_skin, in_the_light, recoloured
from tests.unit.avatar.painted import SHADE, SKIN, on

PLACES = torch.tensor([[0.0, 0, 0], [0.003, 0, 0], [0, 0.004, 0]])


def test_a_share_of_the_way_is_gone_and_the_given_cloud_stays():
    cloud = on(PLACES, SHADE.expand(3, 3).contiguous())
    index = torch.tensor([2, 0])
    found = recoloured(cloud, index, SKIN.expand(2, 3), torch.tensor([0.5, 1.0]))
    wanted = torch.stack([SKIN, SHADE, (SKIN + SHADE) / 2])
    torch.testing.assert_close(found.features, wanted)
    assert torch.equal(cloud.features, SHADE.expand(3, 3))


def test_no_share_gives_the_same_cloud():
    cloud = on(PLACES, SHADE.expand(3, 3).contiguous())
    none = torch.zeros(1)
    assert recoloured(cloud, torch.tensor([1]), SKIN.expand(1, 3), none) is cloud


def test_distances_are_to_the_nearest():
    found = away_from(PLACES[1:], PLACES)
    torch.testing.assert_close(found, torch.tensor([0.003, 0.0, 0.0]))


def test_hair_is_not_in_the_light_and_skin_is():
    places = torch.cartesian_prod(*[torch.linspace(-0.03, 0.03, 80)] * 2, torch.zeros(1))
    hair = places.norm(dim=1) < 0.004
    lit = in_the_light(places, torch.where(hair[:, None], SHADE, SKIN))
    assert torch.equal(lit, ~hair)


def test_even_skin_has_no_highlights():
    places = torch.cartesian_prod(*[torch.linspace(-0.03, 0.03, 40)] * 2, torch.zeros(1))
    shining = places.norm(dim=1) < 0.01
    colours = torch.where(shining[:, None], torch.ones(3), SKIN)
    found = even_skin(places, colours, torch.zeros(1, 3), 12)
    assert found.sum() <= SKIN.sum() + 1e-5
