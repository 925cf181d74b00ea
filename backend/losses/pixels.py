"""Numbers that compare pictures."""

from __future__ import annotations

import numpy as np
import torch

from backend.losses.ssim import ssim as _ssim


def psnr(image: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB.

    Args:
        image: [H, W, 3] 0..1.
        target: [H, W, 3] 0..1.
        mask: [H, W] bool: which pixels count, at least one; None: all.

    Raises:
        ValueError: For pictures of different sizes or a mask without a pixel.
    """
    if np.shape(image) != np.shape(target):
        raise ValueError(f"pictures of {np.shape(image)} and {np.shape(target)}; expected one size")
    if mask is not None and not mask.any():
        raise ValueError("the mask has no pixel; expected at least one")
    error = (np.asarray(image, np.float64) - target) ** 2
    mean = float(error.mean() if mask is None else error[mask].mean())
    return float("inf") if mean == 0 else -10 * float(np.log10(mean))


def ssim(image: np.ndarray, target: np.ndarray) -> float:
    """Mean structural similarity of [H, W, 3] pictures in 0..1 (Gaussian window, sigma 1.5).

    Raises:
        ValueError: For pictures of different sizes or smaller than the window of 11 pixels.
    """
    if np.shape(image) != np.shape(target) or min(np.shape(image)[:2]) < 11:
        raise ValueError(
            f"pictures of {np.shape(image)} and {np.shape(target)}; expected one size of 11 or more"
        )
    return float(_ssim(torch.from_numpy(np.float64(image)), torch.from_numpy(np.float64(target))))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two bool masks."""
    return float((a & b).sum() / max(int((a | b).sum()), 1))
