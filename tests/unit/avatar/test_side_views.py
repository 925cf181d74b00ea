"""What an avatar shows from the sides is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.avatar.side_views import SideViews
from backend.splat.gaussians import Gaussians
from shared.camera import Camera, portrait_intrinsics


@pytest.fixture
def camera() -> Camera:
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[2, 3] = 1.8
    return Camera(viewmat, portrait_intrinsics(512), 512, 512)


@pytest.fixture
def pair() -> Gaussians:
    """Two splats, one behind the other from the front, apart from the sides."""
    return Gaussians(
        means=torch.tensor([[0.0, 0, 0.05], [0.0, 0, -0.05]]),
        quats=torch.tensor([[1.0, 0, 0, 0]]).expand(2, 4).contiguous(),
        scales=torch.full((2, 3), 0.01),
        opacities=torch.full((2,), 0.9),
        features=torch.full((2, 3), 0.5),
        layers=torch.full((2,), 2, dtype=torch.uint8),
    )


def test_an_unchanged_avatar_loses_nothing(pair, camera):
    sides = SideViews(pair, torch.ones(2), camera, np.zeros(3))
    assert float(sides.loss(pair, 0)) == 0
    assert float(sides.loss(pair, 1)) == 0


def test_what_the_portrait_hides_is_held_and_what_it_shows_is_free(pair, camera):
    sides = SideViews(pair, torch.tensor([0.0, 1.0]), camera, np.zeros(3))
    for changed, held in ((0, False), (1, True)):
        features = pair.features.clone()
        features[changed] += 0.3
        loss = float(sides.loss(replace(pair, features=features), 0))
        assert (loss > 1e-5) == held
