"""PSNR and SSIM as metrics of results folders."""

from __future__ import annotations

from typing import Literal

import numpy as np

from backend.losses.pixels import psnr, ssim

from .shot import Shot


class _Pixels:
    against: Literal["target", "source"] = "target"

    def describe(self, shot: Shot) -> np.ndarray:
        """[H, W, 3] float64 0..1."""
        return shot.pixels / 255

    def close(self) -> None:
        """Holds nothing."""


class Psnr(_Pixels):
    """Peak signal-to-noise ratio of the whole picture, dB; equal pictures count as 100."""

    name = "psnr"

    def compare(self, result: np.ndarray, reference: np.ndarray) -> float:
        """Higher is nearer."""
        return min(psnr(result, reference), 100.0)  # infinity has no mean


class Ssim(_Pixels):
    """Structural similarity, Gaussian window of 11 pixels, as scikit-image computes it."""

    name = "ssim"

    def compare(self, result: np.ndarray, reference: np.ndarray) -> float:
        """Higher is nearer."""
        return ssim(result, reference)
