"""Pictures that are nearly black, made bright for what looks for faces and people."""

from __future__ import annotations

import numpy as np

_DARK, _BRIGHT = 40, 200  # of 255: the brightest pixels, but for a few lamps
_BUT_FOR = 98.0  # per cent
_LOOKED_AT_PX = 64


def lit(rgb: np.ndarray) -> np.ndarray:
    """[H, W, 3] uint8 with the same colours brighter where all are very dark, else the same array.

    Args:
        rgb: [H, W, 3] uint8.
    """
    step = max(1, min(rgb.shape[:2]) // _LOOKED_AT_PX)
    brightest = float(np.percentile(rgb[::step, ::step].max(-1), _BUT_FOR))
    if brightest >= _DARK:
        return rgb
    return np.clip(rgb * (_BRIGHT / max(brightest, 1)), 0, 255).astype(np.uint8)
