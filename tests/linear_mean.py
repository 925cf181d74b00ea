"""The mean of pictures as light adds up, by numpy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def linear_mean(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """[H, W, 4] bytes, straight alpha, sRGB: the mean of such pictures in linear light."""
    values = np.array(pictures) / 255
    encoded, alpha = values[..., :3], values[..., 3:]
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    light, alpha = (light * alpha).mean(axis=0), alpha.mean(axis=0)
    light = light / np.maximum(alpha, 1e-6)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * np.concatenate([encoded, alpha], axis=-1)).astype(int)
