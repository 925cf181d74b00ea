"""Numbers that compare pictures."""

from __future__ import annotations

import numpy as np
import torch

from backend.losses import ssim as _ssim


def psnr(image: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB.

    Args:
        image: [H, W, 3] 0..1.
        target: [H, W, 3] 0..1.
        mask: [H, W] bool: which pixels count; None: all.
    """
    error = (np.asarray(image, np.float64) - target) ** 2
    mean = float(error.mean() if mask is None else error[mask].mean())
    return float("inf") if mean == 0 else -10 * float(np.log10(mean))


def ssim(image: np.ndarray, target: np.ndarray) -> float:
    """Mean structural similarity of [H, W, 3] pictures in 0..1 (Gaussian window, sigma 1.5)."""
    return float(_ssim(torch.from_numpy(np.float64(image)), torch.from_numpy(np.float64(target))))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two bool masks."""
    return float((a & b).sum() / max(int((a | b).sum()), 1))
