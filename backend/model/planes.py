"""Dual lifting: cells of two planes seen from the source camera become identity Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.configs.network import ModelConfig
from backend.model import attributes as at
from backend.model.residuals import IdentityResiduals, add, add_features
from backend.model.shapes import check_shape
from backend.splat import quaternions
from shared.camera import Camera

FRONT, BACK = 0, 1
"""Order of the planes everywhere; also their layer ids in a cloud."""


@dataclass(frozen=True)
class PlaneGaussians:
    """Identity Gaussians of a batch, front plane first, cells row-major.

    Args:
        means: [B, 2P, 3] metres, head space.
        quats: [B, 2P, 4] wxyz.
        scales: [B, 2P, 3] metres.
        opacities: [B, 2P].
        features: [B, 2P, C] activated.
    """

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    features: Tensor


@dataclass(frozen=True)
class PlaneFrame:
    """Where the cells of a plane lie.

    Args:
        points: [P, 3] cells on the plane through the head-space origin, head space, metres.
        directions: [P, 3] how far a cell moves per metre of depth; away from the camera.
        camera_to_head: [3, 3] rotation.
        depth: Camera depth of the plane, metres.
    """

    points: Tensor
    directions: Tensor
    camera_to_head: Tensor
    depth: float


def plane_frame(camera: Camera, config: ModelConfig, like: Tensor) -> PlaneFrame:
    """The fronto-parallel plane through the head-space origin, cut into grid x grid cells.

    Args:
        camera: The source camera.
        config: `grid`, `cell_centres`, `offset_along`.
        like: A tensor of the wanted dtype and device.

    Source: Sec. 3.2; method.md 2.
    Deviates: with `offset_along = ray` a cell moves along its own ray, so that it stays on its
        pixel of the portrait at any depth; `forward` is the paper's (and the baseline's) reading.
    """
    view = torch.from_numpy(camera.viewmat)
    camera_to_head = view[:3, :3].T
    depth = float(view[2, 3])
    steps = torch.arange(config.grid, dtype=torch.float64)
    fraction = (steps + 0.5) / config.grid if config.cell_centres else steps / (config.grid - 1)
    rows, columns = torch.meshgrid(fraction, fraction, indexing="ij")
    pixels = torch.stack(
        [columns * camera.width, rows * camera.height, torch.ones_like(rows)], dim=-1
    ).view(-1, 3)
    rays = pixels @ torch.linalg.inv(torch.from_numpy(camera.K)).T  # [P, 3], z = 1
    points = (rays * depth - view[:3, 3]) @ camera_to_head.T
    forward = camera_to_head[:, 2].expand(len(rays), 3)
    directions = rays @ camera_to_head.T if config.offset_along == "ray" else forward
    return PlaneFrame(points.to(like), directions.to(like), camera_to_head.to(like), depth)


def lift_planes(
    raw: Tensor,
    camera: Camera,
    config: ModelConfig,
    residuals: IdentityResiduals | None = None,
    channels: int | None = None,
) -> PlaneGaussians:
    """Identity Gaussians from raw plane attributes.

    Args:
        raw: [B, 2, P, 9 + C] of one portrait's camera.
        camera: The source camera.
        config: Grid and scale factors.
        residuals: The avatar's own, added before activation.
        channels: Assemble only the first channels of the features (3: colours).

    Source: Sec. 3.2; method.md 2: offset sigmoid x 0.2 m, scale sigmoid x 0.01 m.
    """
    check_shape("plane raw", raw, None, 2, config.grid**2, at.PLANE_GEOMETRY + config.channels)
    own = residuals or IdentityResiduals()
    frame = plane_frame(camera, config, raw)
    depth = add(raw[..., at.PLANE_OFFSET], own.offset).sigmoid() * config.plane_offset_m
    sign = depth.new_tensor([-1.0, 1.0])[:, None]  # front plane towards the camera
    means = frame.points + (depth * sign)[..., None] * frame.directions  # [B, 2, P, 3]
    quats = at.normalise_quats(add(raw[..., at.PLANE_ROTATION], own.quat), config.quat_form)
    if config.local_quats:
        quats = quaternions.multiply(quaternions.from_matrix(frame.camera_to_head), quats)
    scales = add(raw[..., at.PLANE_SCALE], own.scale).sigmoid() * config.plane_scale_m
    opacities = add(raw[..., at.PLANE_OPACITY], own.opacity).sigmoid()
    logits = add_features(raw[..., at.PLANE_FEATURES][..., :channels], own.features)
    return PlaneGaussians(
        means=means.flatten(1, 2),
        quats=quats.flatten(1, 2),
        scales=scales.flatten(1, 2),
        opacities=opacities.flatten(1),
        features=_plane_features(logits, config).flatten(1, 2),
    )


def _plane_features(logits: Tensor, config: ModelConfig) -> Tensor:
    """Features [B, 2, P, c] of their logits.

    With `plane_colours = columns` the sigmoid is where GAGAvatar's slice puts it: on all channels
    of the grid's first three columns, and nowhere else (baseline.md Q3). Colours then leave 0..1;
    exporters clamp them.
    """
    if config.plane_colours == "channels":
        return at.activate_features(logits)
    column = torch.arange(logits.shape[-2], device=logits.device) % config.grid
    return torch.where((column < at.COLOURS)[:, None], logits.sigmoid(), logits)


def plane_depth_range(camera: Camera, config: ModelConfig) -> tuple[float, float, float]:
    """Camera depths in metres that the planes reach: nearest front, the plane, farthest back."""
    depth = float(camera.viewmat[2, 3])
    return depth - config.plane_offset_m, depth, depth + config.plane_offset_m


def offset_logits(depth_m: Tensor, camera: Camera, config: ModelConfig, plane: int) -> Tensor:
    """Offset logits that put cells at wanted camera depths (raw 0 assumed).

    Args:
        depth_m: [P] camera z of each cell, metres. A depth on the other side of the plane, or
            beyond its reach, becomes the nearest depth that the plane can reach.
        camera: The source camera.
        config: `plane_offset_m`.
        plane: FRONT or BACK.
    """
    away = depth_m - float(camera.viewmat[2, 3])
    distance = away if plane == BACK else -away
    return at.logit(distance / config.plane_offset_m)


def scale_logits(scale_m: Tensor, config: ModelConfig) -> Tensor:
    """Scale logits of the planes for scales in metres (raw 0 assumed)."""
    return at.logit(scale_m / config.plane_scale_m)
