from __future__ import annotations

import math

import numpy as np
import torch

from backend.splat import rasterise as entry
from backend.splat.projection import project


def _loop(gaussians, camera, alpha_max: float = 0.999) -> np.ndarray:
    """The rules of the method, one pixel and one Gaussian at a time: [H, W, C + 2]."""
    found = project(gaussians, camera)
    means2d, conics, depths = (
        t.detach().numpy() for t in (found.means2d, found.conics, found.depths)
    )
    opacities = gaussians.opacities.detach().numpy()
    features = gaussians.features.detach().numpy()
    picture = np.zeros((camera.height, camera.width, features.shape[1] + 2))
    order = sorted(range(len(depths)), key=lambda i: (depths[i], i))
    for y in range(camera.height):
        for x in range(camera.width):
            remaining, z_sum = 1.0, 0.0
            for i in order:
                dx, dy = x + 0.5 - means2d[i, 0], y + 0.5 - means2d[i, 1]
                a, b, c = conics[i]
                power = (a * dx * dx + c * dy * dy) / 2 + b * dx * dy
                alpha = min(alpha_max, opacities[i] * math.exp(-power))
                if depths[i] <= 0.01 or alpha < 1 / 255:
                    continue
                if remaining * (1 - alpha) <= 1e-4:
                    break
                picture[y, x, :-2] += alpha * remaining * features[i]
                z_sum += alpha * remaining * depths[i]
                remaining *= 1 - alpha
            picture[y, x, -2] = 1 - remaining
            picture[y, x, -1] = z_sum / (1 - remaining) if remaining < 1 else 0
    return picture


def test_the_reference_equals_a_loop_over_pixels(scene):
    cloud, camera = scene(120, 2, (21, 19), dtype=torch.float64)
    found = entry.rasterise(cloud, camera, backend="reference")
    expected = torch.tensor(_loop(cloud, camera))
    torch.testing.assert_close(found.features, expected[..., :-2])
    torch.testing.assert_close(found.alpha, expected[..., -2])
    torch.testing.assert_close(found.depth, expected[..., -1])


def test_a_lower_alpha_max_saturates_contributions_there(scene):
    cloud, camera = scene(60, 1, 12, dtype=torch.float64)
    cloud.opacities = torch.ones(60, dtype=torch.float64)
    found = entry.rasterise(cloud, camera, backend="reference", alpha_max=0.5)
    torch.testing.assert_close(found.alpha, torch.tensor(_loop(cloud, camera, 0.5))[..., -2])


def test_recomputing_tiles_for_big_clouds_gives_the_same_gradients(scene, gradients, monkeypatch):
    cloud, camera = scene(300, 3, 40, dropped=0.2)
    settings = {"mask_gradient": True, "backend": "reference"}
    loss = entry.rasterise(cloud, camera, **settings).features.square().sum()
    expected = gradients(loss, cloud)
    monkeypatch.setattr("backend.splat.reference._GRAPH_PAIRS_MAX", 0)
    loss = entry.rasterise(cloud, camera, **settings).features.square().sum()
    for name, found in gradients(loss, cloud).items():
        assert torch.equal(found, expected[name]), name
