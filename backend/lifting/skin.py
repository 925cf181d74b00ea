"""What of the portrait is not skin: hair, and clothes."""

from __future__ import annotations

import cv2
import numpy as np

from .sampling import look_up
from .sites import Sites
from .view import View

NOT_PLAIN = ("lips", "brows", "lids", "lashes", "left_eyeball", "right_eyeball", "scalp")
"""Regions of a face that are not plain skin."""

_UNLIKE = 2.5
"""Distance from the skin's colour, in spreads, from where on a pixel is not skin."""

_LEAST_SPREAD = np.array([24.0, 6.0, 6.0])  # L, a, b of 8 bits: skin is lit unevenly
_UNDER_HAIR = ("neck", "ears", "face_sides")
"""Where clothes and hair lie over skin; elsewhere another colour is a beard, brows, lips."""


def unlike_skin(view: View) -> np.ndarray:
    """[H, W] bool: pixels of another colour than the face's; none where no face shows."""
    lab = cv2.cvtColor((view.rgb * 255).astype(np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    inside = view.matte > 0.95
    plain = view.shows("face") & inside & ~np.any([view.shows(name) for name in NOT_PLAIN], axis=0)
    if not plain.any():
        return np.zeros_like(inside)
    middle = np.median(lab[plain], axis=0)
    spread = np.maximum(1.5 * np.median(np.abs(lab[plain] - middle), axis=0), _LEAST_SPREAD)
    return np.linalg.norm((lab - middle) / spread, axis=-1) > _UNLIKE


def not_skin(
    view: View, sites: Sites, pixels: np.ndarray, unlike: np.ndarray, cloth: np.ndarray
) -> np.ndarray:
    """[M] bool: sites of neck, ears and the face's sides that are under cloth or hair.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        unlike: [H, W] bool, see `unlike_skin`.
        cloth: [M] bool, see `clothed`.
    """
    under = np.any([view.regions[name] for name in _UNDER_HAIR], axis=0)[sites.vertices]
    return under & (cloth | look_up(unlike, pixels, False))
