"""ARKit weights into tracks: per cent noticed, frames without a face bridged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..flame import ARKIT_NAMES, EXPRESSION_SIZE
from .checks import bad_key
from .read_track import ReadTrack, mixed

_MOST_WEIGHT = 2.0
"""As far as the rig's sliders go."""
_FEWEST_PER_CENT, _MOST_PER_CENT = 5.0, 200.0
"""A largest weight between these is one in per cent; from 2 to 5 it may be an overdone share."""
_OFTEN = 0.2


def shares(path: Path, weights: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Weights as shares of 1, and a note where they were in per cent.

    Raises:
        AvatarError: `bad_file` for weights that are neither.
    """
    largest = float(np.abs(weights).max(initial=0))
    if largest <= _MOST_WEIGHT:
        return weights, []
    if largest < _FEWEST_PER_CENT:
        moving = np.abs(weights[np.abs(weights) > 1e-6])
        if (moving > 1).mean() < _OFTEN:
            return weights, [f"Weights go up to {largest:.3g}; beyond 2 nothing more moves."]
    if largest > _MOST_PER_CENT:
        raise bad_key(path, "weights", f"{largest:g}", "weights of 0 to 1 (or per cent)")
    return weights / 100, [f"Weights are in per cent (up to {largest:.4g}): divided by 100."]


def as_expression(weights: np.ndarray, columns: Mapping[int, int]) -> np.ndarray:
    """[T, 100] the open head's codes from columns [T, C] and the ARKit number of each."""
    expression = np.zeros((len(weights), EXPRESSION_SIZE))
    for column, index in columns.items():
        expression[:, index] = weights[:, column]
    return expression


def looks_with_weights(expression: np.ndarray) -> bool:
    """Whether any eyeLook weight [T, 100] moves the eyes."""
    names = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith("eyeLook")]
    return bool((expression[:, names] != 0).any())


def bridged(track: ReadTrack, seen: np.ndarray, seconds: np.ndarray) -> ReadTrack:
    """A track of all frames from one of the frames that showed a face.

    Args:
        track: N frames: those seen.
        seen: [T] bool, N of them true.
        seconds: [T] when each frame is.
    """
    if seen.all():
        return track
    there = np.flatnonzero(seen)
    after = np.clip(np.searchsorted(there, np.arange(len(seen))), 0, len(there) - 1)
    before = np.where(seen, after, np.maximum(after - 1, 0))
    before = np.where(np.arange(len(seen)) > there[-1], len(there) - 1, before)
    before = np.where(np.arange(len(seen)) < there[0], 0, before)
    low, high = seconds[there[before]], seconds[there[after]]
    part = np.where(high > low, (seconds - low) / np.where(high > low, high - low, 1), 0.0)
    values = mixed(track, before, after, part.clip(0, 1)[:, None])
    missing = np.flatnonzero(~seen)
    frames = "frame" if len(missing) == 1 else "frames"
    note = f"{len(missing)} {frames} without a face bridged ({_runs(missing)}, counted from 0)."
    return replace(track, **values).noted(note)


def _runs(numbers: np.ndarray) -> str:
    """`3, 7-9` from frame numbers; at most four runs."""
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    words = [f"{r[0]}" if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs[:4]]
    return ", ".join(words) + (", ..." if len(runs) > 4 else "")
