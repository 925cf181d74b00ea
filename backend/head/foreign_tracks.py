"""Track files of any kind for one of our heads: its joints, its codes, an even rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, EXPRESSION_SIZE, Track
from shared.tracks import RIG_HEAD, Options, ReadTrack, on_rig, read

from .flame import load_head
from .head import Head
from .tensors import codes_of

_OTHER_JOINT = (
    "The file of {head} is not installed: the head turns about the open head's root joint, about a "
    "centimetre beside its own."
)
_SMALL_WEIGHT = 1e-3
"""How strongly weights are drawn to zero, as a share of the largest unit's movement."""


def load_track(path: Path, head: Head, options: Options | None = None) -> tuple[Track, list[str]]:
    """A track that drives a head, from a file of any format.

    Args:
        path: The file or folder.
        head: Whom it will drive.
        options: What the user says about the file.

    Returns:
        The track at an even rate, in codes that `Head.translated` takes, and notes on it.

    Raises:
        AvatarError: of `shared.tracks.read`; `head_mismatch` for codes of another version of
            FLAME; `missing_weights` where codes of FLAME are to drive the open head and FLAME's
            file, which alone tells what they mean, is not installed.
    """
    track = read(path, options)
    if track.head == RIG_HEAD or codes_of(track.head) == head.codes:
        return _even(track, head)
    if head.codes != RIG_HEAD:
        raise AvatarError(
            "head_mismatch",
            f"{path.name} holds codes of the head {track.head!r}; the avatar's is {head.codes!r}, "
            "to which they mean something else.",
            "Make the avatar with that head; or, if you know better, name the codes' head: "
            f"convert-tracks {path.name} --out NEW.flame.npz --head {head.codes}.",
        )
    return to_open(track)


def to_open(track: ReadTrack) -> tuple[Track, list[str]]:
    """A track of FLAME's codes as ARKit weights, by FLAME's own file.

    Raises:
        AvatarError: `missing_weights` where that file is not installed.
    """
    if track.head == RIG_HEAD:
        return _even(track, Head.load())
    own = load_head(track.head)
    told = track.about_root(own.joints_of(track.betas)[0])
    return _even(on_rig(told, as_units(own, track.expression)), own)


def with_own_joint(track: ReadTrack) -> tuple[Track, list[str]]:
    """A track in its own codes, told about its own head's root joint where that is installed."""
    if track.moved is None:
        return _even(track, Head.load())
    try:
        return _even(track, Head.load() if track.head == RIG_HEAD else load_head(track.head))
    except AvatarError as error:
        if error.code not in ("missing_weights", "bad_request"):
            raise
        told = track.about_root(Head.load().joints_of(None)[0])
        return told.even(), [*told.notes, _OTHER_JOINT.format(head=track.head)]


def _even(track: ReadTrack, head: Head) -> tuple[Track, list[str]]:
    told = track.about_root(head.joints_of(track.betas if track.head != RIG_HEAD else None)[0])
    return told.even(), list(told.notes)


def as_units(head: Head, expression: np.ndarray) -> np.ndarray:
    """ARKit weights [T, 52], none below zero, whose codes come nearest to codes [T, 100].

    Nearest is meant on the skin: squared distances of vertices. Units that turn the jaw or the
    eyes take no part, for the jaw's and eyes' own turns are told apart.
    """
    if head.unit_codes is None:
        raise ValueError(f"the codes of the head {head.name!r} are ARKit weights already")
    directions = head.exprdirs.double().cpu().numpy().reshape(-1, EXPRESSION_SIZE)
    units = head.unit_codes.double().cpu().numpy()[:, :EXPRESSION_SIZE]
    own = [i for i, n in enumerate(ARKIT_NAMES) if not n.startswith(("jaw", "eyeLook"))]
    # The root of the Gram matrix has 100 rows in place of three for each vertex.
    values, vectors = np.linalg.eigh(directions.T @ directions)
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    moves = root @ units[own].T
    calm = _SMALL_WEIGHT * np.linalg.norm(moves, axis=0).max() * np.eye(len(own))
    system = np.concatenate([moves, calm])
    weights = np.zeros((len(expression), len(ARKIT_NAMES)))
    for frame, codes in enumerate(expression):
        weights[frame, own] = nnls(system, np.concatenate([root @ codes, np.zeros(len(own))]))[0]
    return weights.clip(0, 1)
