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


def normalise_quats(raw: Tensor, form: str = "residual") -> Tensor:
    """Unit quaternions [..., 4] wxyz.

    Args:
        raw: [..., 4].
        form: `residual`: normalise(identity + raw), so that raw 0 is no rotation; `plain`:
            normalise(raw), GAGAvatar's.
    """
    if form == "residual":
        raw = torch.cat([raw[..., :1] + 1.0, raw[..., 1:]], dim=-1)
    return torch.nn.functional.normalize(raw, dim=-1, eps=1e-8)
