"""Tracks of FLAME heads on the rig, whose controls are the 52 ARKit weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..flame import ARKIT_NAMES, EXPRESSION_SIZE
from .read_track import ReadTrack

RIG_HEAD = "open"
"""The head whose expression codes are ARKit weights."""

_FROM_SCORES = "The face follows the file's ARKit scores, not its codes of {head}."
_CODES_LEFT_OUT = (
    "Head, neck, jaw, eyes and eyelids are there, but the expression codes of {head} are left out: "
    "what they mean only FLAME's own file tells. With that file installed, start the backend and "
    "import again, or run `convert-tracks FILE --out NEW.flame.npz --to open`."
)


def on_rig(track: ReadTrack, expression: np.ndarray | None = None) -> ReadTrack:
    """A track of any head as one of the rig's.

    Jaw and eyes keep their turns. Where the file brings scores of ARKit's units, those are the
    expression, jaw and eyes included. Else the expression is what the caller translated, with the
    file's eyelids as blinks.

    Args:
        track: T frames.
        expression: [T, 52] ARKit weights that its codes were translated to, or None.
    """
    if track.head == RIG_HEAD:
        return track
    still = np.zeros((len(track), 3))
    weights = np.zeros((len(track), EXPRESSION_SIZE))
    own = {"betas": None, "head": RIG_HEAD, "weights": None}
    used = 0 if track.weights is None else int((track.weights != 0).any(axis=0).sum())
    if track.weights is not None and used > 2:  # more than two eyelids
        weights[:, : len(ARKIT_NAMES)] = track.weights
        turns = {"jaw_pose": still, "leye_pose": still, "reye_pose": still}
        scored = replace(track, expression=weights, **turns, **own)
        return scored.noted(_FROM_SCORES.format(head=track.head))
    if expression is not None:
        weights[:, : len(ARKIT_NAMES)] = expression
    if track.weights is not None:
        weights[:, : len(ARKIT_NAMES)] = np.maximum(weights[:, : len(ARKIT_NAMES)], track.weights)
    told = replace(track, expression=weights, **own)
    if expression is None and track.expression.any():
        told = told.noted(_CODES_LEFT_OUT.format(head=track.head))
    return told
