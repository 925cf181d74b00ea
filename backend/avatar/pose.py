"""Head pose: one rigid motion for the whole head, and shoulders that may stay behind."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from scipy.spatial import KDTree
from torch import Tensor

from backend.splat import quaternions
from backend.splat.gaussians import Gaussians

_NECK_TOP_M, _NECK_REACH_M = -0.01, 0.08
_MEETS_HEAD_M = 0.015
_TORSO_REACH_M = 0.03
_LEAST_STRETCH = 0.1


@dataclass(frozen=True)
class Follow:
    """How much of the head's motion Gaussians follow.

    Args:
        share: [N] 0..1.
        slope: [N] by how much that grows per metre upwards.
    """

    share: Tensor
    slope: Tensor

    def first(self, count: int) -> Follow:
        """So many of them."""
        return Follow(self.share[:count], self.slope[:count])


def torso_follows(means: Tensor, neck: Tensor, up: Tensor, clothes: Tensor) -> Follow:
    """How identity Gaussians follow the head.

    All the way from the neck's joint, at the height of the chin, upwards; not at all a little
    below: cloth and what lies on it belong to the body.

    Args:
        means: [N, 3] head space, metres.
        neck: [3] the neck joint.
        up: [3] the torso's upwards.
        clothes: [N] bool: those on the torso, which stay however high: beside a head that is
            lowered or tilted, shoulders are higher than its chin.

    Source: first-avatar.md, item 4; the reach measured on videos of seven people.
    """
    follow = _blend((means - neck) @ up, 0.0, _TORSO_REACH_M)
    return Follow(follow.share * ~clothes, follow.slope * ~clothes)


def neck_follows(means: Tensor, neck: Tensor, up: Tensor, region: Tensor) -> Follow:
    """How the mesh's Gaussians follow the head; a neck stays on its shoulders.

    Each by its own height: by its vertex's, a neck that bends would part between rows of vertices.
    Next to jaw and chin it goes along all the way, however low those are: else a slit would open
    between them and the throat as the head turns.

    Args:
        means: [N, 3] at the portrait's expression, head space, metres.
        neck: [3] the neck joint.
        up: [3] the torso's upwards.
        region: [N] bool: the neck's.
    """
    bends = _blend((means - neck) @ up, _NECK_TOP_M, _NECK_REACH_M)
    apart = _smooth(_away_m(means, region) / _MEETS_HEAD_M)
    return Follow(1 - apart * (1 - bends.share), apart * bends.slope)


def _away_m(means: Tensor, region: Tensor) -> Tensor:
    """[N] metres from points [N, 3] of a region [N] bool to the nearest that is not of it; 0 of
    those, and infinite where all are of it."""
    away, points = torch.zeros_like(means[:, 0]), means.cpu().numpy()
    others = ~region.cpu().numpy()
    found, _ = KDTree(points[others]).query(points[~others])
    away[region] = torch.from_numpy(found).to(away)
    return away


def _smooth(x: Tensor) -> Tensor:
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def _blend(heights: Tensor, top_m: float, reach_m: float) -> Follow:
    """All of it above a height, nothing `reach_m` below it, smooth between."""
    x = ((heights - top_m) / reach_m + 1).clamp(0, 1)
    return Follow(_smooth(x), 6 * x * (1 - x) / reach_m)


def posed(
    cloud: Gaussians,
    head_pose: Tensor,
    follow: Follow | None = None,
    torso_pose: Tensor | None = None,
) -> Gaussians:
    """Moves Gaussians with the head.

    Args:
        cloud: Unrotated, head space.
        head_pose: [4, 4] rigid, head space to head space, metres.
        follow: How much each one moves along; None: all the way.
        torso_pose: [4, 4] where those that do not move along are; None: where they were. The
            portrait's head pose brings a torso upright that was seen below a tilted head.
    """
    means, turn = _moved(cloud.means, head_pose)
    if follow is None:
        quats = quaternions.multiply(turn.expand_as(cloud.quats), cloud.quats)
        return dataclasses.replace(cloud, means=means, quats=quats)
    still, upright = cloud.means, torch.tensor([1.0, 0, 0, 0]).to(turn)
    if torso_pose is not None:
        still, upright = _moved(cloud.means, torso_pose)
    share, apart = follow.share[:, None], means - still
    turn = torch.where((turn * upright).sum() < 0, -turn, turn)
    turn = torch.nn.functional.normalize(upright + share * (turn - upright), dim=-1)
    quats = quaternions.multiply(turn.expand_as(cloud.quats), cloud.quats)
    scales = cloud.scales
    stretch = follow.slope[:, None] * apart
    torn = stretch.norm(dim=1) > _LEAST_STRETCH
    if torn.any():
        quats, scales = quats.clone(), scales.clone()
        before = quaternions.to_matrix(cloud.quats[torn])
        after = quaternions.to_matrix(quats[torn])
        quats[torn], scales[torn] = _stretched(before, after, scales[torn], stretch[torn])
    return dataclasses.replace(cloud, means=still + share * apart, quats=quats, scales=scales)


def _stretched(
    before: Tensor, after: Tensor, scales: Tensor, stretch: Tensor
) -> tuple[Tensor, Tensor]:
    """Quaternions and scales of Gaussians that reach as far as what they stand for: rows that
    follow the head differently part.

    Args:
        before: [M, 3, 3] their axes in the neutral head.
        after: [M, 3, 3] the same, turned.
        scales: [M, 3] metres.
        stretch: [M, 3] way per metre of height.
    """
    axes = after + stretch[:, :, None] * before[:, 1:2]
    half = axes * scales[:, None]
    variances, axes = torch.linalg.eigh(half @ half.mT)
    axes = axes * torch.linalg.det(axes).sign()[:, None, None]  # no mirror image
    return quaternions.from_matrix(axes), variances.clamp_min(1e-12).sqrt()


def _moved(means: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
    """[N, 3] moved, and the pose's turn [4]."""
    return means @ pose[:3, :3].T + pose[:3, 3], quaternions.from_matrix(pose[:3, :3])
