"""How much of a picture each Gaussian, and each layer of them, makes up."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera
from shared.low_pass import EPS2D


def blending_weights(cloud: Gaussians, camera: Camera) -> Tensor:
    """[N] sum over the picture's pixels of transmittance times alpha.

    It is the gradient of the picture's sum by a feature that is the same everywhere.
    """
    ones = torch.ones(len(cloud), 1, device=cloud.means.device, requires_grad=True)
    with torch.enable_grad():
        rasterise(dataclasses.replace(cloud, features=ones), camera).features.sum().backward()
    assert ones.grad is not None
    return ones.grad[:, 0]


@torch.no_grad()
def most_seen_layers(
    cloud: Gaussians, camera: Camera, alpha_max: float, eps2d: float = EPS2D
) -> Tensor:
    """[H, W] uint8: one more than the layer that makes up most of each pixel, 0 where none does.

    Of layers that make up as much, the first.

    Args:
        cloud: Gaussians; features are not looked at.
        camera: Any camera.
        alpha_max: As `rasterise`, with `eps2d`.
    """
    kept = cloud.kept()
    own = F.one_hot(kept.layers.long(), int(kept.layers.max()) + 1 if len(kept) else 1)
    marked = dataclasses.replace(kept, features=own.to(kept.features))
    shares = rasterise(marked, camera, alpha_max=alpha_max, eps2d=eps2d).features
    most, layer = shares.max(dim=-1)
    return torch.where(most > 0, layer + 1, 0).to(torch.uint8)
