"""Recolouring goes a share of the way, and touches nothing else."""

from __future__ import annotations

import torch

from backend.avatar.recolour import away_from, recoloured
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
