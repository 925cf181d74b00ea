"""Colours of lips that a photo shows beside teeth."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree

from .sampling import look_up
from .sites import Sites
from .view import View

_EVEN_PX, _CLEAR_PX = 1.0, 5.0  # from the teeth: a lip is all even, and all its own
_LEAST_CLEAR = 0.05  # weight of what is beside teeth, where nothing else is near
_AROUND_M = 0.005
_ALONG_M, _ACROSS_M = 0.0035, 0.001  # lips' edges run along them
_NEIGHBOURS = 96


def evened_lips(view: View, sites: Sites, colours: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """[M, 3] colours of sites, along lips the more even the closer to teeth they are.

    A smile draws lips thin: some pixels' mixture with what is between them would become stripes of
    the lips at rest, and their edges would have steps.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        colours: [M, 3] display sRGB.
        seen: [M] bool: what the photo shows.
    """
    rest, lips = view.rest[0].numpy(), view.regions["lips"]
    if not view.shapes.mouth.any() or not lips.any():
        return colours
    names = ("mouth_interior", "teeth_upper", "teeth_lower", "tongue")
    near = np.asarray(KDTree(rest[lips]).query(rest)[0]) < _AROUND_M
    near &= ~np.any([view.regions[name] for name in names], axis=0)
    about = np.flatnonzero(near[sites.vertices] & seen)
    away = np.asarray(distance_transform_edt(~view.shapes.mouth), np.float32)
    away = look_up(away, view.camera.project(sites.positions[about]), np.inf)
    even = np.clip((_CLEAR_PX - away) / (_CLEAR_PX - _EVEN_PX), 0, 1)
    if not even.any():
        return colours
    places = sites.rest[about] / [_ALONG_M, _ACROSS_M, _ALONG_M]
    count = min(_NEIGHBOURS, len(about))
    distance, which = (np.asarray(x) for x in KDTree(places).query(places[even > 0], k=count))
    weight = np.exp(-0.5 * distance**2) * np.maximum(1 - even, _LEAST_CLEAR)[which]
    weight /= weight.sum(1, keepdims=True)
    mean = np.einsum("ck,ckd->cd", weight, colours[about[which]])
    chosen = about[even > 0]
    evened = colours.copy()
    evened[chosen] += even[even > 0, None] * (mean - colours[chosen])
    return evened
