"""Strands on a head's hidden hair: as coarse and as strong as where the photo shows some."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from .sampling import sample
from .view import View

_LEAST_PX = 14  # half the side of a patch that tells something
_FINE_PX, _COARSE_PX = 1.0, 7.0  # between them lies what is grain; what is coarser is shade
_MOST = 0.2  # of the logarithm of brightness
_SHARPER = 1.25  # splats on the scalp are as wide as strands, and blur them
_LEAST_BRIGHT = 0.02


class HairGrain:
    """The largest patch of hair that a portrait shows, laid around the head, every other time as
    its mirror image.

    Args:
        view: The portrait and the fitted head.
    """

    def __init__(self, view: View) -> None:
        scalp = view.rest[0].numpy()[view.regions["scalp"]]
        self._middle = scalp.mean(0)
        self._radius = np.linalg.norm((scalp - self._middle)[:, [0, 2]], axis=1).mean()
        self._px_per_m = view.camera.K[0, 0] / view.camera.viewmat[2, 3]
        self._patch = _patch(view)

    def at(self, rest: np.ndarray) -> np.ndarray:
        """[N, 1] factors of brightness, about 1, at places of the head at rest [N, 3], metres; all
        1 where the portrait shows no patch of hair."""
        if self._patch is None:
            return np.ones((len(rest), 1))
        x, y, z = (rest - self._middle).T
        around = self._radius * np.arctan2(x, -z)  # from the back, to both sides
        side = len(self._patch)
        pixels = np.stack([around, -y], axis=1) * self._px_per_m
        folded = np.abs((pixels + side) % (2 * side) - side)
        return np.exp(sample(self._patch[..., None], folded))


def _patch(view: View) -> np.ndarray | None:
    """[S, S] logarithm of brightness without its shades, of a square of hair."""
    hair = view.parts.hair & (view.matte > 0.95)
    # Parted by one pixel, so that hair which fills the picture has an edge too.
    room = np.asarray(distance_transform_edt(np.pad(hair, 1)))[1:-1, 1:-1]
    half = int(room.max() / np.sqrt(2))
    if half < _LEAST_PX:
        return None
    row, column = np.unravel_index(room.argmax(), room.shape)
    bright = np.log(np.maximum(view.rgb.mean(-1), _LEAST_BRIGHT)).astype(np.float32)
    weight = hair.astype(np.float32)

    def blurred(sigma: float) -> np.ndarray:
        share = cv2.GaussianBlur(weight, (0, 0), sigma)
        return cv2.GaussianBlur(bright * weight, (0, 0), sigma) / np.maximum(share, 1e-3)

    grain = _SHARPER * (blurred(_FINE_PX) - blurred(_COARSE_PX))
    grain = np.clip(grain, -_MOST, _MOST)
    return grain[row - half : row + half, column - half : column + half]
