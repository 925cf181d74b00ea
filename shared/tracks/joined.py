"""Trackers that write a file a frame: the frames in the order of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..flame import FRAME_SIZES
from .options import Options
from .posed import ASSUMED_FPS, CHANGING_IDENTITY, RATE_UNTOLD
from .read_track import ReadTrack


def joined(
    parts: Sequence[ReadTrack], numbers: Sequence[int] | None, options: Options
) -> ReadTrack:
    """One track of tracks of a frame each.

    Args:
        parts: The frames.
        numbers: Of the frames, rising; missing ones leave a gap in time. None: without gaps.
        options: The user's.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    fps = options.fps or ASSUMED_FPS
    arrays = {name: np.concatenate([getattr(p, name) for p in parts]) for name in FRAME_SIZES}
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    if options.fps is None and RATE_UNTOLD not in notes:
        notes.append(RATE_UNTOLD)
    moved = None
    if first.moved is not None:
        moved = np.concatenate([p.moved for p in parts if p.moved is not None])
    weights = None
    if first.weights is not None:
        weights = np.concatenate([p.weights for p in parts if p.weights is not None])
    betas = first.betas
    if betas is not None:
        every = np.stack([p.betas for p in parts if p.betas is not None])
        betas = every.mean(axis=0)
        if np.abs(every - betas).max() > 1e-3:
            notes.append(CHANGING_IDENTITY)
    times = None
    if numbers is not None:
        steps = np.diff(numbers)
        step = int(np.median(steps))
        if (steps != step).any():
            times = (np.asarray(numbers, np.float64) - numbers[0]) / step / fps
            notes.append(f"{int((steps / step - 1).sum())} frames are missing: bridged in time.")
    return replace(
        first, **arrays, betas=betas, fps=fps, times=times, moved=moved, weights=weights,
        notes=tuple(notes),
    )  # fmt: skip
