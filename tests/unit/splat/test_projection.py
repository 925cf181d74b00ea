from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest
import torch

from backend.splat.projection import ALPHA_MIN, project
from backend.splat.quaternions import normalise, to_matrix


@pytest.fixture(scope="module")
def gsplat_torch():
    """gsplat's own PyTorch formulas, loaded alone: importing gsplat may start a CUDA build."""
    found = importlib.util.find_spec("gsplat")
    if found is None or found.origin is None:
        pytest.skip("gsplat is not installed")
    path = Path(found.origin).parent / "cuda/_torch_impl.py"
    spec = importlib.util.spec_from_file_location("gsplat_torch_formulas", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_covariances_equal_gsplats(scene, gsplat_torch):
    cloud, _ = scene(200, 3, dtype=torch.float64)
    matrix = to_matrix(normalise(cloud.quats * 3)) * cloud.scales[:, None, :]
    expected, _ = gsplat_torch._quat_scale_to_covar_preci(
        cloud.quats, cloud.scales, compute_preci=False
    )
    torch.testing.assert_close(matrix @ matrix.mT, expected)


@pytest.mark.parametrize("off_centre_m", [0.0, 0.6])
def test_projection_equals_gsplats(scene, gsplat_torch, off_centre_m):
    cloud, camera = scene(500, 3, (96, 64), seed=2)
    cloud.means = (cloud.means.detach() + torch.tensor([off_centre_m, 0, 0])).requires_grad_()
    ours = project(cloud, camera, visible_opacities=torch.ones(500))
    covars, _ = gsplat_torch._quat_scale_to_covar_preci(
        cloud.quats, cloud.scales, compute_preci=False
    )
    radii, means2d, depths, conics, _ = gsplat_torch._fully_fused_projection(
        cloud.means,
        covars,
        torch.tensor(camera.viewmat, dtype=torch.float32)[None],
        torch.tensor(camera.K, dtype=torch.float32)[None],
        camera.width,
        camera.height,
    )
    torch.testing.assert_close(ours.means2d, means2d[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.depths, depths[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.conics, conics[0], rtol=1e-5, atol=1e-5)
    # gsplat rounds extents up to whole pixels, so it keeps a few more at the border
    visible = ours.visible
    assert (radii[0][visible] > 0).all()
    gap = radii[0][visible] - ours.extents[visible]
    assert (gap > -1e-2).all()
    assert (gap <= 1.01).all()


def test_projected_centres_equal_the_cameras_own_projection(scene):
    cloud, camera = scene(50, 3, dtype=torch.float64)
    expected = camera.project(cloud.means.detach().numpy())
    torch.testing.assert_close(project(cloud, camera).means2d.detach(), torch.tensor(expected))


def test_nothing_above_the_threshold_lies_outside_the_extent(scene):
    cloud, camera = scene(100, 3, dtype=torch.float64)
    found = project(cloud, camera)
    with torch.no_grad():
        for i in torch.nonzero(found.visible)[:, 0].tolist():
            a, b, c = found.conics[i].tolist()
            for axis, (along, across) in enumerate([(a, c), (c, a)]):
                # on the line x = extent, the ellipse's nearest point has this power
                least = 0.5 * (along - b * b / across) * float(found.extents[i, axis]) ** 2
                alpha = float(cloud.opacities[i]) * math.exp(-least)
                assert alpha == pytest.approx(ALPHA_MIN, rel=1e-6) or alpha < ALPHA_MIN


def test_gaussians_behind_the_camera_and_too_faint_ones_are_not_visible(scene):
    cloud, camera = scene(3, 3)
    means = torch.zeros(3, 3)
    means[0, 2] = 2.5  # behind: the camera stands at z = 1.8
    cloud.means = means
    cloud.opacities = torch.tensor([0.9, 0.9 / 255, 0.9])
    assert project(cloud, camera).visible.tolist() == [False, False, True]
