"""What is expected of a face's expression before its landmarks are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.flame import ARKIT_NAMES

AT_REST = {"browDown": 0.35, "eyeBlink": 0.12, "eyeSquint": 0.5, "mouthPress": 0.25}
"""What the detector scores on faces at rest, by the unit's name without its side: medians of 65
portraits that hardly smile, .05 to .7 apart from person to person. Others rest below .1."""

_SPREAD = 0.05
_LOOSE_SPREAD = 0.12  # scores say little about how lips roll and part, or about lids
_LOOSE = (
    "eyeBlink", "eyeSquint", "eyeWide", "mouthLowerDown", "mouthRollLower", "mouthRollUpper",
    "mouthUpperUp",
)  # fmt: skip
_BROW_SPREAD, _KNOWN_BROW_SPREAD = 0.1, 0.3
"""Of brows; the second once it is known how high a person's lie, so that landmarks tell how they
move."""
_FROWN, _OF_FROWN = "browDown", 0.2
"""How much of its score is expression. The rest is how low a person's brows lie: over 376 portraits
it goes with that (r = -.82), and hardly any of those people frowns."""
_CODES_SPREAD = 1.0  # of expression codes that are principal components, as FLAME's


@dataclass(frozen=True)
class ExpressionPrior:
    """A Gaussian over K expression codes, and their bounds.

    Args:
        mean: [K].
        spread: [K] standard deviations.
        low: [K].
        high: [K].
    """

    mean: np.ndarray
    spread: np.ndarray
    low: np.ndarray
    high: np.ndarray


def by_scores(scores: dict[str, float], known: bool = False) -> ExpressionPrior:
    """The open head's, whose codes are what the detector scores.

    A head at rest has no code at all: what the detector scores there is taken off.

    Args:
        scores: The detector's, ARKit name -> 0..1; names that are missing score 0.
        known: Whether the person's identity is.
    """
    names = [_sideless(name) for name in ARKIT_NAMES]
    mean = above_rest(scores) * np.where(np.isin(names, _FROWN), _OF_FROWN, 1.0)
    spread = np.where(np.isin(names, _LOOSE), _LOOSE_SPREAD, _SPREAD)
    brows = np.char.startswith(ARKIT_NAMES, "brow")
    spread[brows] = _KNOWN_BROW_SPREAD if known else _BROW_SPREAD
    gaze = np.char.startswith(ARKIT_NAMES, "eyeLook")  # the eyes' rotation explains it
    mean[gaze], spread[gaze] = 0.0, 1e-3
    return ExpressionPrior(mean, spread, np.zeros(len(mean)), np.ones(len(mean)))


def above_rest(scores: dict[str, float]) -> np.ndarray:
    """[52] how far scores lie above those of faces at rest, of the way to 1."""
    rest = np.array([AT_REST.get(_sideless(name), 0.0) for name in ARKIT_NAMES])
    shown = np.array([scores.get(name, 0.0) for name in ARKIT_NAMES])
    return np.maximum(shown - rest, 0.0) / (1 - rest)


def of_components(count: int) -> ExpressionPrior:
    """FLAME's, whose codes are principal components, which no detector scores."""
    spread = np.full(count, _CODES_SPREAD)
    return ExpressionPrior(np.zeros(count), spread, np.full(count, -4.0), np.full(count, 4.0))


def _sideless(name: str) -> str:
    return name.removesuffix("Left").removesuffix("Right")
