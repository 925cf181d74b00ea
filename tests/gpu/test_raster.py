"""gsplat on a GPU against the reference on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera, portrait_intrinsics

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # gsplat's own imports
]


def _scene(count: int, channels: int, dropped: float = 0.0) -> tuple[Gaussians, Camera]:
    generator = torch.Generator().manual_seed(0)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    opacities = 0.02 + 0.9 * rand(count)
    opacities[rand(count) < dropped] = 0
    cloud = Gaussians(
        (rand(count, 3) - 0.5) * 0.3,
        torch.nn.functional.normalize(rand(count, 4) - 0.5, dim=-1),
        0.001 + 0.004 * rand(count, 3),
        opacities,
        rand(count, channels),
    )
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[2, 3] = 1.8
    return cloud, Camera(view, portrait_intrinsics(128), 128, 128)


def _leaves(cloud: Gaussians) -> list[torch.Tensor]:
    leaves = [cloud.means, cloud.quats, cloud.scales, cloud.opacities, cloud.features]
    return [leaf.requires_grad_() for leaf in leaves]


@pytest.mark.parametrize("channels", [3, 32])
def test_pictures_equal_the_references(channels):
    cloud, camera = _scene(3000, channels)
    expected = rasterise(cloud, camera, backend="reference")
    found = rasterise(cloud.to("cuda"), camera)
    for name in ("features", "alpha", "depth"):
        difference = (getattr(found, name).cpu() - getattr(expected, name)).abs()
        # gsplat uses fast exponentials and another order of operations: single contributions at
        # the edge of 1/255, and neighbours in depth, may differ
        assert difference.mean() < 1e-4, name


def test_gradients_equal_the_references():
    results = []
    for device in ("cpu", "cuda"):
        cloud, camera = _scene(2000, 32)
        cloud = cloud.to(device)
        leaves = _leaves(cloud)
        backend = "reference" if device == "cpu" else "cuda"
        raster = rasterise(cloud, camera, backend=backend)
        loss = raster.features.square().sum() + raster.alpha.sum()
        results.append([g.cpu() for g in torch.autograd.grad(loss, leaves)])
    for found, expected in zip(results[1], results[0]):
        assert (found - expected).norm() / expected.norm() < 2e-2


def test_dropped_gaussians_get_a_gradient_of_the_references_direction():
    results = []
    for device in ("cpu", "cuda"):
        cloud, camera = _scene(2000, 3, dropped=0.2)
        dropped = cloud.opacities == 0
        cloud = cloud.to(device)
        leaves = _leaves(cloud)
        backend = "reference" if device == "cpu" else "cuda"
        raster = rasterise(cloud, camera, backend=backend, mask_gradient=True)
        plain = rasterise(cloud, camera, backend=backend)
        assert torch.allclose(raster.features, plain.features, atol=1e-6)
        loss = (raster.features - 0.5).square().sum()
        results.append(torch.autograd.grad(loss, leaves)[3].cpu()[dropped])
    assert torch.nn.functional.cosine_similarity(*results, dim=0) > 0.9


def test_no_gaussians_give_an_empty_picture():
    cloud, camera = _scene(0, 3)
    raster = rasterise(cloud.to("cuda"), camera)
    assert (raster.alpha == 0).all()
    assert (raster.depth == 0).all()
