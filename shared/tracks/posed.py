"""What the readers of FLAME files have in common: heads, rates, and cameras that move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..flame import ARKIT_NAMES, BETAS_SIZE
from .checks import Values
from .options import Options
from .read_track import ReadTrack

FLAME_2020, FLAME_2023 = "flame2020", "flame2023"
ASSUMED_FPS = 25.0
RATE_UNTOLD = f"The file does not tell its rate: {ASSUMED_FPS:g} fps taken."

CHANGING_IDENTITY = "The identity codes change from frame to frame: their mean is taken."

FACING = np.diag([-1.0, 1.0, -1.0])
"""[3, 3] PyTorch3D's camera axes (+X left, +Y up, +Z away) to those of a head that looks into it
(FLAME's). It is its own inverse."""


def flame_track(
    head: str, options: Options, arrays: Mapping[str, np.ndarray], fps: float | None = None
) -> ReadTrack:
    """A `ReadTrack` of a FLAME head.

    Args:
        head: Name of the head that the format's codes belong to; `options` may name another.
        options: The user's.
        arrays: `expression` [T, 100] and what else there is, by the track's names; what is not
            given is zero.
        fps: What the format tells, or None.
    """
    frames, told = len(arrays["expression"]), options.fps or fps
    notes = () if told or frames < 2 else (RATE_UNTOLD,)
    settings = {"head": options.head or head, "fps": told or ASSUMED_FPS, "notes": notes}
    return ReadTrack.neutral(frames, **settings, **arrays)


def motions(turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """[T, 4, 4] of turns [T, 3, 3] about the origin and shifts [T, 3]."""
    result = np.tile(np.eye(4), (len(turn), 1, 1))
    result[:, :3, :3], result[:, :3, 3] = turn, shift
    return result


def since_the_first(track: ReadTrack) -> ReadTrack:
    """Head motion that a still camera sees, of a track whose `moved` is told by a moving camera.

    The still camera looks straight at the face from where it was in the first frame: turns are
    those against the camera, shifts those since the first frame.
    """
    if track.moved is None:
        return track
    moved = track.moved.copy()
    moved[:, :3, 3] -= moved[0, :3, 3]
    return replace(track, moved=moved)


def with_identity(track: ReadTrack, values: Values, key: str) -> ReadTrack:
    """The track with betas of one row, or the mean of one row a frame."""
    if key not in values:
        return track
    rows = values.codes(key, BETAS_SIZE)
    betas = rows.mean(axis=0)
    track = replace(track, betas=betas)
    changing = np.abs(rows - betas).max() > 1e-3
    return track.noted(CHANGING_IDENTITY) if changing else track


def with_eyelids(track: ReadTrack, eyelids: np.ndarray) -> ReadTrack:
    """Eyelids [T, 2] (left, right; 1 closed), shapes that FLAME lacks, as ARKit's blinks."""
    weights = np.zeros((len(track), len(ARKIT_NAMES)))
    blinks = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    weights[:, blinks] = eyelids.clip(0, 1)
    return replace(track, weights=weights) if weights.any() else track
