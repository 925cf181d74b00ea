"""Gaps between locks of hair, through which a photo shows its backdrop."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from backend.tracking.foreground import foreground
from backend.tracking.matte import local_mean
from backend.tracking.portrait import Portrait

from .fill import nearest_fill
from .parts import Parts, parse
from .polygons import dilate, erode, inside_px

_BACKDROP, _BEHIND_PX = 0.05, 60  # of the matte; how far around a gap the backdrop counts
_INSIDE_PX, _OWN_PX = 14, 40  # of a person nothing is mixed in there
_LIKE, _APART = 0.5, 0.08  # of the way from backdrop to person; of a channel, without brightness
_DARKEST = 0.65  # of the backdrop's brightness: what has its hue and is darker is dyed, or jewels
_LEAST_PX = 40  # less is no gap worth a look
_CLOTH_PX = 3  # beside clothes it may be them
_MIXED_PX, _SOFT_PX, _HAIR_PX = 8, 2.0, 20  # around a gap hairs cross it; whose colour is told by
_BRIGHTNESS = 0.15  # how much it counts: a backdrop behind hair is in its shade
_WHOLE, _CLEAR = 0.9, 0.1  # of a share, that is all hair, or none


def without_backdrop(portrait: Portrait) -> Portrait:
    """The portrait without what its matte takes for hair and is the backdrop, see `cleared`."""
    rgb, matte = cleared(portrait.rgb, portrait.matte)
    return portrait if matte is portrait.matte else replace(portrait, rgb=rgb, matte=matte)


def cleared(rgb: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A person's own colours and matte without what the matte takes for hair and is the backdrop
    seen through it: that would turn with the head, and shine before any other background.

    Told by hue, so that grey walls stay; clothes are never looked at.

    Args:
        rgb: [S, S, 3] float32 display sRGB 0..1, background included; where the person is half
            transparent, their own colours alone. The head fills much of it.
        matte: [S, S] float32 0..1.

    Returns:
        Both like that; the same arrays where there is no such gap.

    Raises:
        AvatarError: `missing_weights` of a damaged installation.
    """
    behind = local_mean(rgb, matte < _BACKDROP, _BEHIND_PX)
    own = local_mean(rgb, inside_px(matte) > _INSIDE_PX, _OWN_PX)
    if behind is None or own is None:
        return rgb, matte
    seen = (matte > 0.5) & _hued_as(rgb, behind, own)
    if seen.sum() < _LEAST_PX:
        return rgb, matte
    parts = parse(rgb * matte[..., None], matte)
    alone = parts.hair & ~dilate(parts.clothes, _CLOTH_PX)
    seen &= alone & ~_nearer_to_cloth(parts, rgb, behind)
    hair = local_mean(rgb, parts.hair & (matte > 0.95) & ~dilate(seen, _MIXED_PX), _HAIR_PX)
    if hair is None:
        return rgb, matte
    seen &= _hued_as(rgb, behind, hair)
    if seen.sum() < _LEAST_PX:
        return rgb, matte
    share = np.clip((_mixed(rgb, behind, hair) - _CLEAR) / (_WHOLE - _CLEAR), 0, 1)
    near = cv2.GaussianBlur(dilate(seen, _MIXED_PX).astype(np.float32), (0, 0), _SOFT_PX)
    clear = (matte + alone * near * np.minimum(share - matte, 0)).astype(np.float32)
    changed = (clear < matte)[..., None]
    return np.where(changed, foreground(rgb, clear), rgb), clear


def _hued_as(rgb: np.ndarray, behind: np.ndarray, own: np.ndarray) -> np.ndarray:
    """[H, W] bool: where colours [H, W, 3] have rather the hue behind than a person's own, and are
    as bright or little darker; nowhere where both are alike, or where what is behind is grey."""
    hues, backdrop, person = (image - image.mean(-1, keepdims=True) for image in (rgb, behind, own))
    # Shade in hair is grey, as a wall may be.
    apart = np.minimum(np.abs(person - backdrop).max(-1), np.abs(backdrop).max(-1))
    bright = rgb.mean(-1) > _DARKEST * behind.mean(-1)
    return bright & (np.abs(hues - backdrop).max(-1) < _LIKE * apart) & (apart > _APART)


def _nearer_to_cloth(parts: Parts, rgb: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """[H, W] bool: what looks at least as much like the nearest cloth as like the backdrop."""
    cloth = erode(parts.clothes, _CLOTH_PX)
    if not cloth.any():
        return cloth
    to_cloth, to_backdrop = (
        np.linalg.norm(rgb - other, axis=-1) for other in (nearest_fill(rgb, cloth), behind)
    )
    return to_cloth <= to_backdrop


def _mixed(rgb: np.ndarray, behind: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """[H, W] how far colours [H, W, 3] are on the way from those behind to those of hair."""
    way = hair - behind
    told = way - (1 - _BRIGHTNESS) * way.mean(-1, keepdims=True)
    return ((rgb - behind) * told).sum(-1) / np.maximum((way * told).sum(-1), 1e-6)
