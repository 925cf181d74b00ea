"""The tone of hair where a portrait shows it, as it goes on behind what shows."""

from __future__ import annotations

import cv2
import numpy as np

from .polygons import dilate, erode
from .view import View

_DEEP_PX = 6  # inside hair no skin shows through
_EAR_PX = 8  # which the parser takes for hair here and there
_AROUND_PX = 8.0
_OWN = 4  # exponent: how much more what is all hair counts than what is half skin
_ENOUGH, _LEAST = 0.1, 1e-4


def hair_tone(view: View) -> tuple[np.ndarray, np.ndarray]:
    """[H, W, 3] the colours of the hair around each pixel, those least that skin shines through (at
    a temple that is most of them, and half a head of such hair would be mauve), and [H, W] 0..1 how
    much such hair there is.

    Args:
        view: The portrait and the fitted head.
    """
    rgb, hair = view.unspilt, view.parts.hair & (view.matte > 0.95)
    deep, skin = erode(hair, _DEEP_PX), view.shows("face") & ~view.parts.worn
    if not (deep.any() and skin.any()):
        return rgb, hair.astype(np.float32)
    bare = np.median(rgb[skin], axis=0)
    apart = np.median(rgb[deep], axis=0) - bare
    own = rgb[deep] @ apart  # where hair is thin, half of it is skin
    apart = np.median(rgb[deep][own >= np.median(own)], axis=0) - bare
    share = np.clip((rgb - bare) @ apart / np.maximum(apart @ apart, _LEAST), 0, 1)
    told = hair & ~dilate(view.shows("ears"), _EAR_PX)
    weight = (told * share**_OWN).astype(np.float32)
    around = cv2.GaussianBlur(weight, (0, 0), _AROUND_PX)
    total = cv2.GaussianBlur(rgb * weight[..., None], (0, 0), _AROUND_PX)
    return total / np.maximum(around, _LEAST)[..., None], np.clip(around / _ENOUGH, 0, 1)
