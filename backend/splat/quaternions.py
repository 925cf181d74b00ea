"""Rotations as unit quaternions, wxyz."""

from __future__ import annotations

import torch
from torch import Tensor


def normalise(quats: Tensor) -> Tensor:
    """Unit quaternions [..., 4]; zero stays zero (which `to_matrix` reads as no rotation)."""
    squares = quats * quats
    w, x, y, z = squares.unbind(-1)
    # spelled out, in this order, so that the C++ op gets the same bits
    length = torch.sqrt((w + x + y + z).clamp_min(1e-24))
    return quats / length[..., None]


def to_matrix(quats: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of unit quaternions [..., 4]."""
    w, x, y, z = quats.unbind(-1)
    entries = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))


def from_matrix(matrices: Tensor) -> Tensor:
    """Unit quaternions [..., 4] with w >= 0 of rotation matrices [..., 3, 3]."""
    m = matrices
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    # four times the square of each component; the largest one is a safe divisor
    squares = torch.stack(
        [
            1 + trace,
            1 + 2 * m[..., 0, 0] - trace,
            1 + 2 * m[..., 1, 1] - trace,
            1 + 2 * m[..., 2, 2] - trace,
        ],
        dim=-1,
    )
    wx = m[..., 2, 1] - m[..., 1, 2]
    wy = m[..., 0, 2] - m[..., 2, 0]
    wz = m[..., 1, 0] - m[..., 0, 1]
    xy = m[..., 0, 1] + m[..., 1, 0]
    xz = m[..., 0, 2] + m[..., 2, 0]
    yz = m[..., 1, 2] + m[..., 2, 1]
    rows = torch.stack(
        [
            torch.stack([squares[..., 0], wx, wy, wz], -1),
            torch.stack([wx, squares[..., 1], xy, xz], -1),
            torch.stack([wy, xy, squares[..., 2], yz], -1),
            torch.stack([wz, xz, yz, squares[..., 3]], -1),
        ],
        dim=-2,
    )  # [..., 4, 4]: row i is 4 q_i q
    best = squares.argmax(-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    quats = torch.nn.functional.normalize(rows.gather(-2, best).squeeze(-2), dim=-1)
    return torch.where(quats[..., :1] < 0, -quats, quats)


def inverse(quats: Tensor) -> Tensor:
    """The opposite rotations of unit quaternions [..., 4]."""
    return quats * quats.new_tensor([1, -1, -1, -1])


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product [..., 4]: rotate by b, then by a."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        dim=-1,
    )
