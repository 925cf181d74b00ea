"""What lies around the portrait crop: the rest of the picture, and its continuation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from shared.camera import Camera

from .crop import PORTRAIT_PX

WIDER = 2.0
"""Side of the surround, in portrait crops."""

_WHOLE, _GONE = 0.04, 0.16
"""How far beyond the picture's edge, in crop sides, a person goes on whole, and where they end."""
_EDGE_PX = 2  # a picture's last pixels may be a dark line
_SOFTER = 0.25  # blur, as a share of the distance from the edge


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


def gone_on(
    rgb: np.ndarray, matte: np.ndarray, inside: np.ndarray, crop_px: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lets a person who is cut by the picture's edge go on beyond it, ever softer.

    A moving camera or body would show the cut; and the Gaussians' hull would close there.

    Args:
        rgb: [H, W, 3] float 0..1.
        matte: [H, W] 0..1.
        inside: [H, W] bool: where there is a picture.
        crop_px: The portrait crop's side in these pixels.

    Returns:
        Both, filled outside the picture.
    """
    size = 2 * _EDGE_PX + 1
    whole = np.pad(inside, 1, mode="constant", constant_values=True)  # the window cuts nothing
    sound = cv2.erode(whole.astype(np.uint8), np.ones((size, size), np.uint8))[1:-1, 1:-1] > 0
    if sound.all() or not sound.any():
        return rgb, matte
    found = distance_transform_edt(~sound, return_indices=True)
    distance, (rows, columns) = cast(tuple[np.ndarray, np.ndarray], found)
    colours, shares = rgb[rows, columns], matte[rows, columns]
    fade = 1 - np.clip((distance / crop_px - _WHOLE) / (_GONE - _WHOLE), 0, 1)
    soft = cv2.GaussianBlur(colours, (0, 0), _SOFTER * _WHOLE * crop_px)
    softness = np.clip(distance / (_WHOLE * crop_px), 0, 1)[..., None]
    colours = np.where(sound[..., None], rgb, colours + softness * (soft - colours))
    shares = np.where(sound, matte, shares * fade * fade * (3 - 2 * fade))
    return colours.astype(np.float32), shares.astype(np.float32)


def joined(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """The surround's values [512, 512, ...], the crop's finer ones in the middle."""
    side = round(PORTRAIT_PX / WIDER)
    first = (PORTRAIT_PX - side) // 2
    result = outer.copy()
    middle = slice(first, first + side)
    result[middle, middle] = cv2.resize(inner, (side, side), interpolation=cv2.INTER_AREA)
    return result
