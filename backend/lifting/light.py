"""The light on a face, by its skin and the whites of its eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .eyes import SCLERA, WHITES

SKIN = np.array([0.67, 0.48, 0.42])
"""Display sRGB: median of the face in 338 portraits."""

_LIT_SKIN = 0.6  # display sRGB of well-lit skin, all tones' middle
_EYE_WHITES = 85  # percentile of what shows of the eyes
_LEAST, _MOST = 0.3, 1.2
_BRIGHTEST = (75, 95)  # percentiles of what shows of the eyes: their whites
_ENOUGH_EYES = 20  # sites: what shows of eyes that are nearly shut are lids and lashes
_TINTED = 0.7  # of how the light's colour shows in an eye's whites, which differ by themselves
_TINTED_COLDLY = 0.3  # where only skin tells: it is greyed oftener than lit by blue light


@dataclass(frozen=True)
class Light:
    """The light on a face.

    Args:
        brightness: 1 for a well-lit face.
        tint: [3] its colour about 1.
        shaded: 0..1 how much of it comes from elsewhere than the front.
    """

    brightness: float
    tint: np.ndarray
    shaded: float

    @property
    def colour(self) -> np.ndarray:
        """[3] what white is in it, 1 for a well-lit face."""
        return self.brightness * self.tint


def brightness_of(skin: np.ndarray, eyes: np.ndarray) -> float:
    """How bright the light is, 1 for a well-lit face.

    Args:
        skin: [N, 3] display sRGB of the face that shows, which may be dark itself.
        eyes: [K, 3] of eyeballs, which may lie in the shade; none for closed eyes.
    """
    lit = [float(np.median(skin)) / _LIT_SKIN] if len(skin) else []
    if len(eyes):
        lit.append(float(np.percentile(eyes.mean(1), _EYE_WHITES) / SCLERA.mean()))
    return min(max(_LEAST, *lit), _MOST) if lit else 1.0


def tint_of(skin: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """[3] the light's colour about 1, by the eyes, or by the skin where they hardly show.

    Args:
        skin: [N, 3], see `brightness_of`.
        eyes: [K, 3], likewise.
    """
    share = _TINTED
    if len(eyes) >= _ENOUGH_EYES:
        low, high = np.percentile(eyes.mean(1), _BRIGHTEST)
        whites = eyes[(eyes.mean(1) >= low) & (eyes.mean(1) <= high)].mean(0)
        tint = whites / WHITES
    elif len(skin):
        tint = np.median(skin, axis=0) / SKIN
        if tint[0] < tint[2]:
            share = _TINTED_COLDLY
    else:
        return np.ones(3)
    return (tint / max(tint.mean(), 1e-3)).clip(0.1, 2) ** share
