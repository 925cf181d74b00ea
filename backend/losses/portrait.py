"""How far a drawn portrait is from its photograph, for personalising."""

from __future__ import annotations

from torch import Tensor

from backend.losses.ssim import ssim
from backend.model.attributes import COLOURS
from backend.splat.rasterise import Raster

_SPILLED = 8.0


def image_loss(raster: Raster, image: Tensor, alpha: Tensor, background: float) -> Tensor:
    """.8 L1 + .2 (1 - SSIM) + .2 alpha; the coarse image of Eq. 15.

    Args:
        raster: What the Gaussians show.
        image: [H, W, 3] the target on black, display sRGB 0..1.
        alpha: [H, W] its matte.
        background: Grey 0..1 behind both; another one at every step tells alpha from darkness.

    Source: first-avatar.md. Deviates: SSIM stands for Eq. 16's perceptual term, whose networks
    are not needed to match one picture.
    """
    coarse = raster.features[..., :COLOURS] + (1 - raster.alpha[..., None]) * background
    image = image + (1 - alpha[..., None]) * background
    colour = (coarse - image).abs().mean()
    spilled = 1 + _SPILLED * (alpha < 0.01)  # what shows beside a person shows over any scene
    shape = ((raster.alpha - alpha).abs() * spilled).mean()
    return 0.8 * colour + 0.2 * (1 - ssim(coarse, image)) + 0.2 * shape
