"""What is known of a face because it was followed from a first picture, as the fit uses it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .landmark_model import LandmarkModel
from .landmarks import FACE_OVAL, FEATURES, LANDMARKS

_NOISE, _OVAL_NOISE = 1 / 3, 0.135  # of landmarks that are where the skin went, of what it was
_LOST_FEATURE_NOISE = 2.0  # of lips and lids that are not: who blinks or talks is not elsewhere
_SKULL_NOISE_PX = 2.0
_RAISED_M = 0.002  # how far a hairline usually goes up and down with the brows

_FOLLOWED, _LOST = np.full(LANDMARKS, _NOISE), np.ones(LANDMARKS)
_FOLLOWED[list(FACE_OVAL)] = _OVAL_NOISE
_LOST[list(FEATURES)] = _LOST_FEATURE_NOISE


@dataclass(frozen=True)
class Following:
    """A face's places that were followed, in one picture.

    Where a head is, and how large, they tell best: what the detector says of it changes as eyes
    shut and lips part. Ten people's clips, by the picture of their foreheads: sizes .61 % off, by
    landmarks that all count alike .74 %.

    Args:
        missed: [468, 3] what `Fitter.missed` says of the first picture.
        skull: [S, 3] places of the skull that it shows, head space, metres.
        places: [S, 2] where they went, pixels of the portrait crop.
        trust: [468 + S] 0..1, how far landmarks, then the skull's places, are where they went.
    """

    missed: np.ndarray
    skull: np.ndarray
    places: np.ndarray
    trust: np.ndarray

    def counting(self, count: np.ndarray) -> np.ndarray:
        """[468 + S] how much all places count, one over their noise in pixels.

        Args:
            count: [468] of landmarks that were not followed.
        """
        trust, skull_trust = np.split(self.trust, [len(count)])
        count = count / (_FOLLOWED**trust * _LOST ** (1 - trust))
        return np.append(count, skull_trust / _SKULL_NOISE_PX)

    def completed(self, model: LandmarkModel) -> LandmarkModel:
        """A model of 468 landmarks with what the first picture missed, and behind them the skull.
        Its scalp goes up and down with the brows by a code of its own, behind the others."""
        model = replace(model, neutral=model.neutral + self.missed)
        return model.and_along(self.skull, _raised(self.skull))


def _raised(scalp: np.ndarray) -> np.ndarray:
    """[S, 3] metres by which raised brows move places of a scalp [S, 3]: most at the hairline, not
    at the top."""
    ways, height = np.zeros_like(scalp), scalp[:, 1]
    if len(scalp) > 1:
        ways[:, 1] = _RAISED_M * (height.max() - height) / np.ptp(height)
    return ways
