"""Head pose: one rigid motion for the whole head, and shoulders that may stay behind."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from backend.splat import quaternions
from backend.splat.gaussians import Gaussians

_NECK_TOP_M, _NECK_REACH_M = -0.01, 0.08
_TORSO_REACH_M = 0.03


def torso_weights(means: Tensor, neck_y_m: float) -> Tensor:
    """[N] 0..1: how much of the head's motion identity Gaussians follow.

    All of it from the neck's joint, at the height of the chin, upwards; nothing a little below:
    cloth and what lies on it belong to the body.

    Args:
        means: [N, 3] head space, metres.
        neck_y_m: Height of the neck joint.

    Source: first-avatar.md, item 4; the reach measured on videos of seven people.
    """
    return _blend(means[:, 1], neck_y_m, _TORSO_REACH_M)


def neck_weights(vertices: Tensor, neck_y_m: float, neck: Tensor) -> Tensor:
    """[V] 0..1: how much of the head's motion the mesh follows; a neck stays on its shoulders.

    Args:
        vertices: [V, 3] without expression, head space, metres.
        neck_y_m: Height of the neck joint.
        neck: [V] bool.
    """
    weights = _blend(vertices[:, 1], neck_y_m + _NECK_TOP_M, _NECK_REACH_M)
    return torch.where(neck, weights, torch.ones_like(weights))


def _blend(heights: Tensor, top_m: float, reach_m: float) -> Tensor:
    """[N] 1 above a height, 0 `reach_m` below it, smooth between."""
    share = ((heights - top_m) / reach_m + 1).clamp(0, 1)
    return share * share * (3 - 2 * share)


def posed(
    cloud: Gaussians,
    head_pose: Tensor,
    follow: Tensor | None = None,
    torso_pose: Tensor | None = None,
) -> Gaussians:
    """Moves Gaussians with the head.

    Args:
        cloud: Unrotated, head space.
        head_pose: [4, 4] rigid, head space to head space, metres.
        follow: [N] 0..1 how much each one moves along; None: all of it.
        torso_pose: [4, 4] where those that do not move along are; None: where they were. The
            portrait's head pose brings a torso upright that was seen below a tilted head.
    """
    means, turn = _moved(cloud.means, head_pose)
    if follow is not None:
        still, upright = cloud.means, torch.tensor([1.0, 0, 0, 0]).to(turn)
        if torso_pose is not None:
            still, upright = _moved(cloud.means, torso_pose)
        means = still + follow[:, None] * (means - still)
        turn = torch.where((turn * upright).sum() < 0, -turn, turn)
        turn = torch.nn.functional.normalize(upright + follow[:, None] * (turn - upright), dim=-1)
    quats = quaternions.multiply(turn.expand_as(cloud.quats), cloud.quats)
    return dataclasses.replace(cloud, means=means, quats=quats)


def _moved(means: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
    """[N, 3] moved, and the pose's turn [4]."""
    return means @ pose[:3, :3].T + pose[:3, 3], quaternions.from_matrix(pose[:3, :3])
