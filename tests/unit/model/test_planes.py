"""Dual lifting against the camera's own projection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from backend.model.planes import (
    BACK,
    FRONT,
    lift_planes,
    offset_logits,
    plane_depth_range,
    scale_logits,
)
from backend.model.residuals import IdentityResiduals


@pytest.fixture
def raw(config) -> torch.Tensor:
    return torch.zeros(1, 2, config.grid**2, 41)


def camera_depth(camera, points: np.ndarray) -> np.ndarray:
    return (points @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3])[:, 2]


def test_cells_lie_on_their_pixels_row_by_row_at_any_depth(raw, camera, config) -> None:
    raw[..., 0] = torch.randn(2, config.grid**2)
    means = lift_planes(raw, camera, config).means[0].double().numpy()
    step = camera.width / config.grid
    centres = (np.arange(config.grid) + 0.5) * step
    wanted = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    found = camera.project(means)
    np.testing.assert_allclose(found, np.concatenate([wanted, wanted]), atol=1e-3)


def test_forward_offsets_keep_the_place_across_the_camera_axis(raw, camera, config) -> None:
    forward = replace(config, offset_along="forward")
    shallow = lift_planes(raw, camera, forward).means[0].double().numpy()
    raw[..., 0] = 2.0
    deep = lift_planes(raw, camera, forward).means[0].double().numpy()
    moved = (deep - shallow) @ camera.viewmat[:3, :3].T
    np.testing.assert_allclose(moved[:, :2], 0, atol=1e-6)
    assert (moved[: config.grid**2, 2] < 0).all(), "the front plane moves towards the camera"
    assert (moved[config.grid**2 :, 2] > 0).all()


def test_without_cell_centres_the_corners_are_the_pictures_corners(raw, camera, config) -> None:
    corners = replace(config, cell_centres=False)
    found = camera.project(lift_planes(raw, camera, corners).means[0].double().numpy())
    np.testing.assert_allclose(found[0], [0, 0], atol=1e-3)
    np.testing.assert_allclose(found[config.grid - 1], [64, 0], atol=1e-3)


def test_wanted_depths_are_reached_through_residuals(raw, camera, config) -> None:
    near, middle, far = plane_depth_range(camera, config)
    assert middle == pytest.approx(1.8)
    cells = config.grid**2
    front = torch.linspace(near + 0.001, middle - 0.001, cells)
    back = torch.linspace(middle + 0.001, far - 0.001, cells)
    offset = torch.stack(
        [offset_logits(front, camera, config, FRONT), offset_logits(back, camera, config, BACK)]
    )
    means = lift_planes(raw, camera, config, IdentityResiduals(offset=offset)).means[0]
    found = camera_depth(camera, means.double().numpy())
    np.testing.assert_allclose(found, torch.cat([front, back]), atol=2e-6)


def test_scales_are_reached_through_residuals_and_end_at_a_centimetre(raw, camera, config) -> None:
    wanted = torch.linspace(0.0002, 0.009, config.grid**2)
    scale = scale_logits(wanted, config)[None, :, None].expand(2, -1, 3)
    found = lift_planes(raw, camera, config, IdentityResiduals(scale=scale)).scales[0]
    torch.testing.assert_close(found[:, 0], wanted.repeat(2), atol=1e-6, rtol=0)
    raw[..., 2:5] = 50
    assert lift_planes(raw, camera, config).scales.max().item() == pytest.approx(0.01)


def test_unrotated_cells_face_the_camera(raw, camera, config) -> None:
    quats = lift_planes(raw, camera, config).quats[0].double().numpy()
    found = Rotation.from_quat(np.roll(quats[0], -1)).as_matrix()
    np.testing.assert_allclose(found, camera.viewmat[:3, :3].T, atol=1e-6)
    plain = lift_planes(raw, camera, replace(config, local_quats=False)).quats[0]
    assert plain[0].tolist() == [1, 0, 0, 0]


def test_colour_residuals_alone_leave_the_other_features(raw, camera, config) -> None:
    raw[..., 9:] = 0.5
    colour = torch.randn(2, config.grid**2, 3)
    planes = lift_planes(raw, camera, config, IdentityResiduals(features=colour))
    torch.testing.assert_close(planes.features[0, :, :3], (colour + 0.5).sigmoid().flatten(0, 1))
    assert (planes.features[..., 3:] == 0.5).all()
    few = lift_planes(raw, camera, config, IdentityResiduals(features=colour), channels=3)
    torch.testing.assert_close(few.features, planes.features[..., :3])


def test_the_sigmoid_of_columns_is_on_all_channels_of_the_first_three_columns(
    raw, camera, config
) -> None:
    raw.normal_(generator=torch.Generator().manual_seed(3)).mul_(4)
    grid = config.grid
    logits = raw[0, ..., 9:].view(2, grid, grid, 32)
    columns = replace(config, plane_colours="columns")
    found = lift_planes(raw, camera, columns).features[0].view(2, grid, grid, 32)
    assert torch.equal(found[:, :, :3], logits[:, :, :3].sigmoid())
    assert torch.equal(found[:, :, 3:], logits[:, :, 3:])
    assert found[:, :, 3:, :3].min() < 0, "colours leave 0..1; exporters clamp them"
    channels = lift_planes(raw, camera, config).features[0].view(2, grid, grid, 32)
    assert torch.equal(channels[..., :3], logits[..., :3].sigmoid())
    assert torch.equal(channels[..., 3:], logits[..., 3:])


def test_plain_quaternions_of_planes_are_the_normalised_raw_ones(raw, camera, config) -> None:
    raw.normal_(generator=torch.Generator().manual_seed(4))
    plain = replace(config, quat_form="plain", local_quats=False)
    quats = lift_planes(raw, camera, plain).quats[0]
    wanted = torch.nn.functional.normalize(raw[0, ..., 5:9].flatten(0, 1), dim=-1)
    torch.testing.assert_close(quats, wanted)
    residual = lift_planes(raw, camera, replace(plain, quat_form="residual")).quats[0]
    assert not torch.allclose(quats, residual, atol=0.1)
