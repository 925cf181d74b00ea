"""What stays of a colour in any light and shade."""

from __future__ import annotations

import numpy as np


def hue(colours: np.ndarray) -> np.ndarray:
    """[..., 3] each channel's share of colours [..., 3], display sRGB."""
    return colours / np.maximum(colours.sum(-1, keepdims=True), 1e-3)
