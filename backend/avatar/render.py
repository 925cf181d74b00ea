"""Gaussians to a picture, refined by a neural renderer where there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.avatar.refine import refined
from backend.configs.network import ModelConfig
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import Raster, rasterise
from shared.camera import Camera


@dataclass(frozen=True)
class Frame:
    """A rendered picture: refined, or the coarse one of the splats' first three features.

    Args:
        rgb: [H, W, 3] float32 display sRGB, premultiplied by alpha.
        alpha: [H, W] float32 0..1.
        depth: [H, W] float32 metres, 0 where nothing is.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray

    @classmethod
    def of(cls, raster: Raster) -> Frame:
        """A raster whose first features are colours."""
        return cls(
            raster.features[..., :COLOURS].cpu().numpy(),
            raster.alpha.cpu().numpy(),
            raster.depth.cpu().numpy(),
        )

    def rgba8(self) -> np.ndarray:
        """[H, W, 4] uint8, straight alpha."""
        alpha = self.alpha[..., None]
        straight = np.divide(self.rgb, alpha, out=np.zeros_like(self.rgb), where=alpha > 1e-4)
        rgba = np.concatenate([straight, alpha], axis=-1)
        return (np.clip(rgba, 0, 1) * 255 + 0.5).astype(np.uint8)


@torch.no_grad()
def rendered(
    cloud: Gaussians,
    camera: Camera,
    config: ModelConfig,
    renderer: Callable[[Tensor], Tensor] | None,
) -> Frame:
    """The picture of a cloud, on black.

    Args:
        cloud: Gaussians; masked ones at opacity 0.
        camera: Any camera.
        config: The network's settings.
        renderer: Its neural renderer; None: the coarse picture.
    """
    if renderer is not None:
        raster = refined(renderer, config.image_size, cloud, camera, config.alpha_max)
    else:
        raster = rasterise(cloud.kept(), camera, alpha_max=config.alpha_max)
    return Frame.of(raster)
