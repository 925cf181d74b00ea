"""Blend shapes and linear blend skinning of a FLAME-interface head, in torch."""

from __future__ import annotations

import torch
from torch import Tensor


def rodrigues(axis_angle: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of axis-angle vectors [..., 3] in radians.

    Exact and differentiable at zero, too.
    """
    square = (axis_angle * axis_angle).sum(-1)
    small = square < 1e-8
    # Each branch sees only arguments that keep its gradient finite.
    angle = torch.where(small, torch.ones_like(square), square).sqrt()
    sine = torch.where(small, 1 - square / 6, torch.sin(angle) / angle)
    half = torch.sin(angle / 2)  # 1 - cos without cancellation
    cosine = torch.where(small, 0.5 - square / 24, 2 * half * half / (angle * angle))
    x, y, z = axis_angle.unbind(-1)
    nil = torch.zeros_like(x)
    cross = torch.stack([nil, -z, y, z, nil, -x, -y, x, nil], -1).unflatten(-1, (3, 3))
    one = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return one + sine[..., None, None] * cross + cosine[..., None, None] * (cross @ cross)


def blend(template: Tensor, directions: Tensor, weights: Tensor) -> Tensor:
    """`template + directions @ weights`.

    Args:
        template: [V, 3] or [B, V, 3].
        directions: [V, 3, K].
        weights: [B, K].

    Returns:
        [B, V, 3].
    """
    flat = directions.flatten(0, 1) @ weights.mT  # [V*3, B]
    return template + flat.mT.unflatten(1, directions.shape[:2])


def rigid(rotation: Tensor, centre: Tensor, shift: Tensor | None = None) -> Tensor:
    """[..., 4, 4] turn by [..., 3, 3] about the point [..., 3], then move by `shift` [..., 3]."""
    translation = centre - (rotation @ centre[..., None])[..., 0]
    if shift is not None:
        translation = translation + shift
    top = torch.cat([rotation, translation[..., None]], -1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 3] = 1
    return torch.cat([top, bottom], -2)


def joint_transforms(pose: Tensor, joints: Tensor, parents: tuple[int, ...]) -> Tensor:
    """Transforms [B, J, 4, 4] of the rest pose's points that follow each joint.

    Args:
        pose: [B, J, 3] axis-angle about each joint, relative to the parent, radians.
        joints: [B, J, 3] rest positions.
        parents: Parent of each joint; -1 for the root; parents come first.
    """
    own = rigid(rodrigues(pose), joints)
    world: list[Tensor] = []
    for joint, parent in enumerate(parents):
        world.append(own[:, joint] if parent < 0 else world[parent] @ own[:, joint])
    return torch.stack(world, 1)


def skin(points: Tensor, weights: Tensor, transforms: Tensor) -> Tensor:
    """Linear blend skinning.

    Args:
        points: [B, V, 3] rest pose.
        weights: [V, J], rows of sum 1.
        transforms: [B, J, 4, 4].

    Returns:
        [B, V, 3].
    """
    blended = torch.einsum("vj,bjrc->bvrc", weights, transforms[:, :, :3])
    return (blended[..., :3] @ points[..., None])[..., 0] + blended[..., 3]
