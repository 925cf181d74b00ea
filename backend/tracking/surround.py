"""What lies around the portrait crop: the rest of the picture, and its continuation."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shared.camera import Camera

from .crop import PORTRAIT_PX

WIDER = 2.0
"""Side of the surround, in portrait crops."""


@dataclass(frozen=True)
class Surround:
    """The same picture in a window `WIDER` times the crop's, with the same middle.

    Args:
        rgb: [512, 512, 3] float32 0..1 display sRGB.
        matte: [512, 512] float32 0..1.
    """

    rgb: np.ndarray
    matte: np.ndarray

    def around(self, crop: np.ndarray) -> np.ndarray:
        """[1024, 1024, 4] 0..1: the person on black and their matte, as fine as the crop.

        Args:
            crop: [512, 512, 4] the same of the crop.
        """
        rgba = np.dstack([self.rgb * self.matte[..., None], self.matte])
        side = round(PORTRAIT_PX * WIDER)
        whole = cv2.resize(rgba, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        first = (side - PORTRAIT_PX) // 2
        whole[first : first + PORTRAIT_PX, first : first + PORTRAIT_PX] = crop
        return whole


def wider(camera: Camera) -> Camera:
    """A crop's camera with the surround's picture, in the crop's pixels."""
    sides = np.array([camera.width, camera.height])
    width, height = np.rint(WIDER * sides).astype(int).tolist()
    intrinsics = camera.K.copy()
    intrinsics[:2, 2] += (np.array([width, height]) - sides) / 2
    return Camera(camera.viewmat, intrinsics, width, height)


def joined(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """The surround's values [512, 512, ...], the crop's finer ones in the middle."""
    side = round(PORTRAIT_PX / WIDER)
    first = (PORTRAIT_PX - side) // 2
    result = outer.copy()
    middle = slice(first, first + side)
    result[middle, middle] = cv2.resize(inner, (side, side), interpolation=cv2.INTER_AREA)
    return result
