"""Head pose: one rigid motion for the whole head, and shoulders that may stay behind."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from backend.splat import quaternions
from backend.splat.gaussians import Gaussians


def torso_weights(
    means: Tensor, neck_y_m: float, top_m: float = 0.0, reach_m: float = 0.06
) -> Tensor:
    """[N] 0..1: how much of the head's motion identity Gaussians follow.

    Args:
        means: [N, 3] head space, metres.
        neck_y_m: Height of the neck joint.
        top_m: Height above that joint from where on everything follows.
        reach_m: Distance below over which the motion blends out.

    Source: first-avatar.md, item 4.
    """
    height = (means[:, 1] - (neck_y_m + top_m - reach_m)) / reach_m
    height = height.clamp(0, 1)
    return height * height * (3 - 2 * height)


def posed(cloud: Gaussians, head_pose: Tensor, follow: Tensor | None = None) -> Gaussians:
    """Moves Gaussians with the head.

    Args:
        cloud: Unrotated, head space.
        head_pose: [4, 4] rigid, head space to head space, metres.
        follow: [N] 0..1 how much each one moves along; None: all of it.
    """
    rotation, shift = head_pose[:3, :3], head_pose[:3, 3]
    moved = cloud.means @ rotation.T + shift
    turn = quaternions.from_matrix(rotation).expand_as(cloud.quats)
    if follow is not None:
        moved = cloud.means + follow[:, None] * (moved - cloud.means)
        still = torch.tensor([1.0, 0, 0, 0], dtype=turn.dtype, device=turn.device)
        turn = torch.where(turn[:, :1] < 0, -turn, turn)
        turn = torch.nn.functional.normalize(still + follow[:, None] * (turn - still), dim=-1)
    return dataclasses.replace(cloud, means=moved, quats=quaternions.multiply(turn, cloud.quats))
