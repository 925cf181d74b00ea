"""Scenes for the rasteriser's tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from backend.splat.gaussians import Gaussians
from shared.camera import Camera, portrait_intrinsics

PARAMETERS = ("means", "quats", "scales", "opacities", "features")


def _scene(
    count: int,
    channels: int,
    size_px: int | tuple[int, int] = 64,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    dropped: float = 0.0,
) -> tuple[Gaussians, Camera]:
    """Random Gaussians that fill a portrait camera's picture, every parameter a leaf."""
    width, height = (size_px, size_px) if isinstance(size_px, int) else size_px
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    opacities = 0.02 + 0.97 * rand(count)
    opacities[rand(count) < dropped] = 0
    cloud = {
        "means": (rand(count, 3) - 0.5) * 0.3,
        "quats": torch.nn.functional.normalize(rand(count, 4) - 0.5, dim=-1),
        "scales": 0.002 + 0.006 * rand(count, 3),
        "opacities": opacities,
        "features": rand(count, channels),
    }
    gaussians = Gaussians(**{k: v.to(dtype).requires_grad_() for k, v in cloud.items()})
    view = np.diag([1.0, -1.0, -1.0, 1.0])  # looks at the face from the front
    view[:3, 3] = [0.01, -0.02, 1.8]
    intrinsics = portrait_intrinsics(height)
    intrinsics[0, 2] = width / 2
    return gaussians, Camera(view, intrinsics, width, height)


@pytest.fixture(scope="session")
def scene() -> Callable[..., tuple[Gaussians, Camera]]:
    return _scene


@pytest.fixture(scope="session")
def gradients() -> Callable[[torch.Tensor, Gaussians], dict[str, torch.Tensor]]:
    """Gradients of a scalar by every parameter of a cloud."""

    def compute(loss: torch.Tensor, gaussians: Gaussians) -> dict[str, torch.Tensor]:
        leaves = [getattr(gaussians, name) for name in PARAMETERS]
        return dict(zip(PARAMETERS, torch.autograd.grad(loss, leaves)))

    return compute
