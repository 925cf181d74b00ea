"""The attributes of a Gaussian: how raw network outputs are packed, activated and inverted.

Everything the avatar stores and the network predicts is "raw" (before activation); a raw 0
everywhere is the sensible untrained Gaussian of each branch.
"""

from __future__ import annotations

import torch
from torch import Tensor

OFFSET = slice(0, 3)
OPACITY = 3
ROTATION = slice(4, 8)
SCALE = slice(8, 11)
FEATURES = slice(11, None)
GEOMETRY = 11
"""Raw values of an expression Gaussian before its features: [*, 11 + C], 43 with 32 features."""

PLANE_OFFSET = 0
PLANE_OPACITY = 1
PLANE_SCALE = slice(2, 5)
PLANE_ROTATION = slice(5, 9)
PLANE_FEATURES = slice(9, None)
PLANE_GEOMETRY = 9
"""Raw values of an identity cell before its features: [*, 9 + C], 41 with 32 features."""

COLOURS = 3
"""The first features are display sRGB: the sigmoid of their logits. The others stay raw."""


def activate_features(logits: Tensor) -> Tensor:
    """Features [..., C]: sigmoid of channels 0-2, the others as they are."""
    if logits.shape[-1] == COLOURS:
        return logits.sigmoid()
    return torch.cat([logits[..., :COLOURS].sigmoid(), logits[..., COLOURS:]], dim=-1)


def logit(value: Tensor, eps: float = 1e-4) -> Tensor:
    """Inverse of the sigmoid; values are kept eps away from 0 and 1."""
    return torch.logit(value, eps=eps)


def normalise_quats(raw: Tensor) -> Tensor:
    """normalise(identity + raw), wxyz [..., 4]; raw 0 is no rotation."""
    real = raw[..., :1] + 1.0
    quats = torch.cat([real, raw[..., 1:]], dim=-1)
    return torch.nn.functional.normalize(quats, dim=-1, eps=1e-8)


def multiply_quats(left: Tensor, right: Tensor) -> Tensor:
    """Hamilton product of wxyz quaternions [..., 4]: first `right`, then `left`."""
    a, b, c, d = left.unbind(-1)
    w, x, y, z = right.unbind(-1)
    return torch.stack(
        [
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        ],
        dim=-1,
    )


def rotation_to_quats(rotation: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] to unit quaternions wxyz [..., 4].

    The largest of the four components is the divisor, so that no rotation is near a singularity.
    """
    m = [[rotation[..., r, c] for c in range(3)] for r in range(3)]
    xx, yy, zz = m[0][0], m[1][1], m[2][2]
    wx, wy, wz = m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]
    xy, xz, yz = m[1][0] + m[0][1], m[2][0] + m[0][2], m[2][1] + m[1][2]
    # Row r is 4 * q_r * q: the same quaternion, scaled by its own component r.
    rows = torch.stack(
        [
            torch.stack([1 + xx + yy + zz, wx, wy, wz], dim=-1),
            torch.stack([wx, 1 + xx - yy - zz, xy, xz], dim=-1),
            torch.stack([wy, xy, 1 - xx + yy - zz, yz], dim=-1),
            torch.stack([wz, xz, yz, 1 - xx - yy + zz], dim=-1),
        ],
        dim=-2,
    )  # [..., 4, 4]
    best = torch.diagonal(rows, dim1=-2, dim2=-1).argmax(dim=-1)
    chosen = rows.gather(-2, best[..., None, None].expand(*best.shape, 1, 4)).squeeze(-2)
    return torch.nn.functional.normalize(chosen, dim=-1)
