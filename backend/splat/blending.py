"""How much of a picture each Gaussian makes up."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera


def blending_weights(cloud: Gaussians, camera: Camera) -> Tensor:
    """[N] sum over the picture's pixels of transmittance times alpha.

    It is the gradient of the picture's sum by a feature that is the same everywhere.
    """
    ones = torch.ones(len(cloud), 1, device=cloud.means.device, requires_grad=True)
    with torch.enable_grad():
        rasterise(dataclasses.replace(cloud, features=ones), camera).features.sum().backward()
    assert ones.grad is not None
    return ones.grad[:, 0]
