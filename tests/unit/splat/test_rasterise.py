from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch

from backend.splat import cpu
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera


@pytest.fixture(params=["reference", "cpu"])
def backend(request) -> str:
    if request.param == "cpu" and not cpu.status().available:
        pytest.skip(cpu.status().message)
    return request.param


def _disc(z_m: float, color: float, opacity: float = 0.9) -> Gaussians:
    return Gaussians(
        torch.tensor([[0.0, 0.0, z_m]]),
        torch.tensor([[1.0, 0, 0, 0]]),
        torch.full((1, 3), 0.02),
        torch.tensor([opacity]),
        torch.full((1, 1), color),
    )


def _front_camera() -> Camera:
    """17x17 pixels, 2 m before the origin, which lies at the centre of pixel (8, 8)."""
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[2, 3] = 2.0
    return Camera(view, np.array([[100.0, 0, 8.5], [0, 100.0, 8.5], [0, 0, 1]]), 17, 17)


def test_one_gaussian_shows_its_opacity_colour_and_depth_at_its_centre(backend):
    raster = rasterise(_disc(0.5, 0.25), _front_camera(), backend=backend)
    assert float(raster.alpha[8, 8]) == pytest.approx(0.9, rel=1e-6)
    assert float(raster.features[8, 8, 0]) == pytest.approx(0.9 * 0.25, rel=1e-6)
    assert float(raster.depth[8, 8]) == pytest.approx(1.5, rel=1e-6)


def test_the_nearer_gaussian_covers_the_farther_one(backend):
    near, far = _disc(0.1, 1.0), _disc(-0.1, 0.0)
    for cloud in (Gaussians.cat([near, far]), Gaussians.cat([far, near])):
        raster = rasterise(cloud, _front_camera(), backend=backend)
        assert float(raster.features[8, 8, 0]) == pytest.approx(0.9, rel=1e-5)
        expected_depth = (0.9 * 1.9 + 0.09 * 2.1) / 0.99
        assert float(raster.depth[8, 8]) == pytest.approx(expected_depth, rel=1e-5)


def test_gaussians_at_the_same_depth_are_composited_in_the_order_of_their_index(backend):
    first, second = _disc(0.0, 1.0), _disc(0.0, 0.0)
    for cloud, expected in (([first, second], 0.9), ([second, first], 0.09)):
        raster = rasterise(Gaussians.cat(cloud), _front_camera(), backend=backend)
        assert float(raster.features[8, 8, 0]) == pytest.approx(expected, rel=1e-5)


def test_filtering_before_rasterising_equals_opacity_zero(scene, backend):
    cloud, camera = scene(800, 4, 48, dropped=0.4)
    for mask_gradient in (False, True):
        whole = rasterise(cloud, camera, backend=backend, mask_gradient=mask_gradient)
        kept = rasterise(cloud.kept(), camera, backend=backend)
        torch.testing.assert_close(whole.features, kept.features, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(whole.alpha, kept.alpha, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(whole.depth, kept.depth, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("what", ["empty", "all masked", "off screen", "behind"])
def test_nothing_to_see_gives_black_without_alpha_and_depth(scene, gradients, backend, what):
    cloud, camera = scene(0 if what == "empty" else 20, 3, (33, 20))
    with torch.no_grad():
        if what == "all masked":
            cloud.opacities.zero_()
        elif what == "off screen":
            cloud.means[:, 0] += 5
        elif what == "behind":
            cloud.means[:, 2] += 4
    raster = rasterise(cloud, camera, backend=backend)
    assert raster.features.shape == (20, 33, 3)
    for picture in (raster.features, raster.alpha, raster.depth):
        assert (picture == 0).all()
    loss = raster.features.sum() + raster.alpha.sum() + raster.depth.sum()
    for gradient in gradients(loss, cloud).values():
        assert (gradient == 0).all()


def test_a_dropped_gaussian_that_would_lower_the_loss_is_revived_by_its_gradient(backend):
    camera = _front_camera()
    target = rasterise(_disc(0.0, 1.0, opacity=0.8), camera, backend=backend).features
    cloud = _disc(0.0, 1.0, opacity=0.0)
    cloud.opacities.requires_grad_()
    losses = []
    for _ in range(40):
        drawn = rasterise(cloud, camera, backend=backend, mask_gradient=True)
        loss = (drawn.features - target).square().sum()
        losses.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, cloud.opacities)
        with torch.no_grad():
            cloud.opacities -= 0.1 * gradient
    assert losses[-1] < 0.001 * losses[0]
    assert cloud.opacities.item() == pytest.approx(0.8, abs=0.02)


def test_without_mask_gradient_a_dropped_gaussian_stays_dropped(scene, backend):
    _, camera = scene(1, 1, 16)
    dropped = _disc(0.0, 1.0, opacity=0.0)
    dropped.opacities.requires_grad_()
    loss = (rasterise(dropped, camera, backend=backend).features - 1).square().mean()
    (gradient,) = torch.autograd.grad(loss, dropped.opacities)
    assert float(gradient) == 0


def test_a_dropped_gaussian_that_is_hidden_gets_no_gradient(scene, backend):
    _, camera = scene(1, 1, 16)
    wall = [_disc(0.1 + 0.01 * i, 1.0, opacity=0.999) for i in range(8)]
    for cover in wall:
        cover.scales *= 20
    dropped = _disc(-0.2, 1.0, opacity=0.0)
    cloud = Gaussians.cat([*wall, dropped])
    cloud.opacities.requires_grad_()
    loss = rasterise(cloud, camera, backend=backend, mask_gradient=True).features.sum()
    (gradient,) = torch.autograd.grad(loss, cloud.opacities)
    assert float(gradient[-1]) == 0


def test_wrong_arguments_say_what_was_got_and_expected(scene):
    cloud, camera = scene(3, 3)
    with pytest.raises(
        ValueError, match=r"alpha_max is 1\.0; expected more than 0 and less than 1"
    ):
        rasterise(cloud, camera, alpha_max=1.0)
    with pytest.raises(ValueError, match="eps2d is 0; expected more than 0 square pixels"):
        rasterise(cloud, camera, eps2d=0)
    with pytest.raises(ValueError, match="backend is 'gpu'; expected auto, reference, cpu or cuda"):
        rasterise(cloud, camera, backend=cast(Any, "gpu"))
    with pytest.raises(ValueError, match="backend is 'cuda' but the Gaussians are on 'cpu'"):
        rasterise(cloud, camera, backend="cuda")
    with pytest.raises(ValueError, match=r"camera width is 0; expected 1\.\.16384"):
        rasterise(cloud, Camera(camera.viewmat, camera.K, 0, 4))
    cloud.quats = cloud.quats.double()
    with pytest.raises(ValueError, match=r"quats torch.float64.*expected all float32"):
        rasterise(cloud, camera)
