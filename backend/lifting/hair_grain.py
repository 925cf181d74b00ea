"""Strands on a head's hidden hair: as coarse, as strong and as straight as where the photo shows
some."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from .fill import mean_around
from .polygons import inside_px
from .sampling import sample
from .view import View

_BANDS_PX = ((1.0, 3.0), (3.0, 8.0), (8.0, 20.0))  # strands, locks, waves; coarser is shade
_EDGE_PX, _ENOUGH_PX = 5, 150  # skin and backdrop lie beside hair; what tells something
_SHARPER = (1.6, 1.2, 1.0)  # splats on the scalp are as wide as strands, and blur them
_MOST = 0.5  # of the logarithm of brightness
_LEAST_BRIGHT = 0.02
_AROUND_PX = 5.0
_CURLS, _STRAIGHT = 0.2, 0.7  # how much one direction prevails in either
_LONG = 10.0  # times as long as wide
_WHORL = np.array([0.0, 0.8, -0.6])  # from the scalp's middle: strands go out from there
_WAVE_PX, _WAVES_PX = 6.0, 40.0  # how far they bend, over what length
_SEED = 0


class HairGrain:
    """Strands out from the whorl around the head: noise with the strength, in three bands, and the
    direction of the hair that a portrait shows.

    Args:
        view: The portrait and the fitted head.
    """

    def __init__(self, view: View) -> None:
        scalp = view.rest[0].numpy()[view.regions["scalp"]]
        self._middle = scalp.mean(0)
        radius = np.linalg.norm(scalp - self._middle, axis=1).mean()
        px_per_m = view.camera.K[0, 0] / view.camera.viewmat[2, 3]
        self._px_per_radian = radius * px_per_m
        strengths, straight = _measured(view)
        self._grain = _strands(strengths, straight, self._px_per_radian)

    def at(self, rest: np.ndarray) -> np.ndarray:
        """[N, 1] factors of brightness, about 1, at places of the head at rest [N, 3], metres; all
        1 where the portrait shows hardly any hair."""
        away = rest - self._middle
        away = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
        aside = np.cross(_WHORL, (1.0, 0.0, 0.0))
        down = np.arccos(np.clip(away @ _WHORL, -1, 1))
        around = np.arctan2(away[:, 0], away @ aside)
        pixels = np.stack([around + np.pi, down], axis=1) * self._px_per_radian
        return np.exp(sample(self._grain[..., None], pixels))


def _measured(view: View) -> tuple[np.ndarray, float]:
    """[3] the standard deviation of hair's logarithm of brightness in each band, and 0..1, how
    straight it is; zeros where the portrait shows hardly any."""
    hair = view.parts.hair & (view.matte > 0.95)
    inside = inside_px(hair)
    deepest = np.partition(inside, -_ENOUGH_PX, axis=None)[-_ENOUGH_PX]
    if deepest <= _EDGE_PX:
        return np.zeros(len(_BANDS_PX)), 0.0
    inner = inside > _EDGE_PX
    bright = np.log(np.maximum(view.rgb.mean(-1), _LEAST_BRIGHT)).astype(np.float32)
    weight = hair.astype(np.float32)

    bands = [
        mean_around(bright, weight, fine) - mean_around(bright, weight, coarse)
        for fine, coarse in _BANDS_PX
    ]
    right, down = np.gradient(mean_around(bright, weight, _BANDS_PX[0][0]))[::-1]
    tensor = np.stack([right**2, down**2, right * down], -1) * inner[..., None]
    across, along, both = np.moveaxis(cv2.GaussianBlur(tensor, (0, 0), _AROUND_PX), -1, 0)
    prevails = np.hypot(across - along, 2 * both)[inner].sum() / (across + along)[inner].sum()
    straight = np.clip((prevails - _CURLS) / (_STRAIGHT - _CURLS), 0, 1)
    # Across a strip of short hair, its shade towards skin would count as waves.
    clear = [inside >= min(max(coarse, _EDGE_PX), deepest) for _, coarse in _BANDS_PX]
    strengths = [band[where].std() for band, where in zip(bands, clear, strict=True)]
    return np.array(strengths), float(straight)


def _strands(strengths: np.ndarray, straight: float, px_per_radian: float) -> np.ndarray:
    """[H, W] logarithm of brightness: from the whorl downwards, around it from side to side."""
    chance = np.random.default_rng(_SEED)
    shape = (int(np.pi * px_per_radian) + 1, int(2 * np.pi * px_per_radian) + 1)
    total = np.zeros(shape)
    for strength, sharper, (fine, coarse) in zip(strengths, _SHARPER, _BANDS_PX, strict=True):
        noise = chance.standard_normal(shape)
        noise = gaussian_filter1d(noise, fine * _LONG**straight, axis=0, mode="wrap")
        band = gaussian_filter1d(noise, fine, axis=1, mode="wrap")
        band -= gaussian_filter1d(noise, coarse, axis=1, mode="wrap")
        total += sharper * strength * band / band.std()
    bend = gaussian_filter(chance.standard_normal(shape), _WAVES_PX, mode="wrap")
    rows, columns = np.indices(shape)
    columns = columns + _WAVE_PX * bend / bend.std()
    pixels = np.stack([columns % shape[1], rows], -1).reshape(-1, 2) + 0.5
    return np.clip(sample(total[..., None], pixels).reshape(shape), -_MOST, _MOST)
