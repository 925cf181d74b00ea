"""What of the portrait is not skin: hair, and clothes."""

from __future__ import annotations

import numpy as np

from .sampling import look_up
from .sites import Sites
from .view import View

NOT_PLAIN = ("lips", "brows", "lids", "lashes", "left_eyeball", "right_eyeball", "scalp")
"""Regions of a face that are not plain skin."""

_UNDER_HAIR = ("neck", "ears", "face_sides", "scalp")
"""Where clothes and hair lie over skin; elsewhere another colour is a beard, brows, lips."""


def not_skin(view: View, sites: Sites, pixels: np.ndarray, cloth: np.ndarray) -> np.ndarray:
    """[M] bool: sites of neck, ears and the face's sides that are under cloth or hair.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        cloth: [M] bool, see `clothed`.
    """
    under = np.any([view.regions[name] for name in _UNDER_HAIR], axis=0)[sites.vertices]
    return under & (cloth | look_up(view.parts.worn, pixels, False))
