"""How good mattes are: portraits before an even background, whose colour tells the true matte."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from backend.lifting.fill import nearest_fill

_BORDER_PX = 9  # resampling mixes in what lies beyond the border
_ROUNDS = 12
_LEAST_SPREAD = 0.012  # display sRGB: what an even background's noise may always be
_MOST_SPREAD = 0.035
_SPREADS = 5.0  # of the background's noise, that still count as background
_LEAST_SHARE = 0.08  # of the crop that an even background fills
_GREY_WEIGHT = 0.15  # of brightness: hair varies in it, and shadows do
_SLOW_PX = 16.0
_BAND_PX = 20
_CLEAN_PX = 14  # from the outline inwards no background is mixed in
_SMOOTH_PX = 4.0
_LEAST_CONTRAST = 0.15
_GRADIENT_PX = 1.4


@dataclass(frozen=True)
class Reference:
    """What a portrait's colours tell of its matte.

    Args:
        matte: [H, W] 0..1.
        band: [H, W] bool: near the outline, where mattes differ.
        told: [H, W] bool: where the person's colour differs enough from the background's.
    """

    matte: np.ndarray
    band: np.ndarray
    told: np.ndarray


@dataclass(frozen=True)
class MatteScore:
    """Errors of one matte against the reference.

    Args:
        sad: Sum of absolute differences, thousands of pixels.
        sad_band: The same in the band alone.
        gradient: Sum of squared differences of the gradient, thousands (Rhemann et al. 2009).
    """

    sad: float
    sad_band: float
    gradient: float


def reference(rgb: np.ndarray, inside: np.ndarray) -> Reference | None:
    """The matte of a portrait before an even background; None where the background is not even.

    Args:
        rgb: [H, W, 3] float 0..1 display sRGB.
        inside: [H, W] bool: where there is a picture.
    """
    inside = cv2.erode(inside.astype(np.uint8), np.ones((_BORDER_PX, _BORDER_PX))) > 0
    found = _background(rgb, inside)
    if found is None:
        return None
    background, clear, spread = found
    person = _largest(~clear & inside)
    depth = np.asarray(distance_transform_edt(person | ~inside))
    clean = inside & (depth > _CLEAN_PX)
    if not clean.any():
        return None
    foreground = _carried(rgb, clean)
    weight = np.eye(3) - (1 - _GREY_WEIGHT) / 3
    towards = (foreground - background) @ weight
    contrast = np.einsum("hwc,hwc->hw", towards, foreground - background)
    share = np.einsum("hwc,hwc->hw", towards, rgb - background) / np.maximum(contrast, 1e-6)
    noise = spread / np.sqrt(np.maximum(contrast, 1e-6))
    share = np.clip((share - noise) / np.maximum(1 - 2 * noise, 0.5), 0, 1)
    outside = np.asarray(distance_transform_edt(~person | ~inside))
    band = ((depth > 0) & (depth <= _BAND_PX)) | ((outside > 0) & (outside <= _BAND_PX))
    matte = np.where(depth > _BAND_PX, 1.0, np.where(outside > _BAND_PX, 0.0, share))
    told = inside & (contrast > _LEAST_CONTRAST**2)
    return Reference(matte.astype(np.float32), band & inside, told)


def score(matte: np.ndarray, truth: Reference) -> MatteScore:
    """Errors of [H, W] `matte`."""
    miss = np.where(truth.told, np.abs(matte - truth.matte), 0)
    slopes = (_slope(matte) - _slope(truth.matte)) ** 2
    return MatteScore(
        sad=float(miss.sum()) / 1000,
        sad_band=float(miss[truth.band].sum()) / 1000,
        gradient=float(np.where(truth.told, slopes, 0).sum()) / 1000,
    )


def _slope(matte: np.ndarray) -> np.ndarray:
    """[H, W] how steep a smoothed matte is."""
    smooth = cv2.GaussianBlur(matte.astype(np.float32), (0, 0), _GRADIENT_PX)
    return np.hypot(
        cv2.Sobel(smooth, -1, 1, 0, scale=1 / 8), cv2.Sobel(smooth, -1, 0, 1, scale=1 / 8)
    )


def _background(rgb: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray, float] | None:
    """[H, W, 3] what the background is like everywhere, [H, W] where it shows, and its noise."""
    edge = _upper_corners(inside)
    clear, spread = edge, _MOST_SPREAD
    model = np.broadcast_to(np.median(rgb[clear], axis=0), rgb.shape)
    for _ in range(_ROUNDS):
        gap = np.linalg.norm(rgb - model, axis=-1)
        clear = _touching(inside & (gap < _SPREADS * spread), edge)
        if clear.mean() < _LEAST_SHARE:
            return None
        model = _smooth_model(rgb, clear)
        gap = np.linalg.norm(rgb - model, axis=-1)
        spread = float(np.clip(np.median(gap[clear]) * 1.2, _LEAST_SPREAD, _MOST_SPREAD))
    return (model, clear, spread) if spread < _MOST_SPREAD else None


def _upper_corners(inside: np.ndarray) -> np.ndarray:
    """[H, W] bool: the picture's upper corners, where a portrait shows background."""
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    corners = np.zeros_like(inside)
    high, wide = rows[len(rows) // 3], len(columns) // 12
    corners[rows[0] : high, columns[:wide]] = True
    corners[rows[0] : high, columns[-wide:]] = True
    return corners & inside


def _smooth_model(rgb: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """[H, W, 3] the colours of `clear` [H, W] bool as a slow gradient over the picture."""
    height, width = clear.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    model = terms @ np.linalg.lstsq(terms[clear], rgb[clear], rcond=None)[0]
    rest = np.where(clear[..., None], rgb - model, 0).astype(np.float32)
    weight = cv2.GaussianBlur(clear.astype(np.float32), (0, 0), _SLOW_PX)[..., None]
    return model + cv2.GaussianBlur(rest, (0, 0), _SLOW_PX) / (weight + 0.02)


def _touching(near: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """The parts of `near` [H, W] bool that reach into `edge`."""
    count, found = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    labels = np.asarray(found, int)
    kept = np.zeros(count, bool)
    kept[np.unique(labels[edge & near])] = True
    kept[0] = False
    return kept[labels]


def _largest(mask: np.ndarray) -> np.ndarray:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()


def _carried(rgb: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """[H, W, 3] the nearest clean colour, smoothed."""
    smooth = cv2.GaussianBlur(nearest_fill(rgb, clean).astype(np.float32), (0, 0), _SMOOTH_PX)
    return np.where(clean[..., None], rgb, smooth)
