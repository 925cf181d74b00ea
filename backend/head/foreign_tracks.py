"""Track files of any kind for one of our heads: its joints, its codes, an even rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, EXPRESSION_SIZE, Track
from shared.tracks import RIG_HEAD, Options, ReadTrack, on_rig, read

from .flame import load_head
from .head import ROOT, Head
from .tensors import codes_of

_OTHER_JOINT = (
    "The file of {head} is not installed: the head turns about the open head's root joint, which "
    "lies near its own."
)
_NO_CODES = "The file's eyelids or scores are left out: {head} has no codes for them."
_SMALL_WEIGHT = 1e-3
"""How strongly weights are drawn to zero, as a share of the largest unit's movement."""


def load_track(path: Path, codes: str, options: Options | None = None) -> tuple[Track, list[str]]:
    """A track that drives an avatar, from a file of any format.

    Args:
        path: The file or folder.
        codes: Name of the avatar's head (`Head.codes`).
        options: What the user says about the file.

    Returns:
        The track at an even rate, in codes that `Head.translated` takes, and notes on it. Where
        codes of FLAME are to drive the open head and FLAME's file, which alone tells what they
        mean, is not installed, it has the turns of head, neck, jaw and eyes, and a note says so.

    Raises:
        AvatarError: of `shared.tracks.read`; `head_mismatch` for codes of another version of
            FLAME.
    """
    track = read(path, options)
    if track.head == RIG_HEAD or codes_of(track.head) == codes:
        return with_own_joint(track)
    if codes == RIG_HEAD:
        try:
            return to_open(track)
        except AvatarError as error:
            if error.code != "missing_weights":
                raise
        return _even(on_rig(_about_open_joint(track)))
    raise AvatarError(
        "head_mismatch",
        f"{path.name} holds codes of the head {track.head!r}; the avatar's is {codes!r}, to which "
        "they mean something else.",
        "Make the avatar with that head; or, if you know better, name the codes' head: "
        f"convert-tracks {path.name} --out NEW.flame.npz --head {codes}.",
    )


def to_open(track: ReadTrack) -> tuple[Track, list[str]]:
    """A track of FLAME's codes as ARKit weights, by FLAME's own file.

    Raises:
        AvatarError: `missing_weights` where that file is not installed.
    """
    if track.head == RIG_HEAD:
        return with_own_joint(track)
    weights = as_units(load_head(track.head), track.expression)
    return _even(on_rig(_about_open_joint(track), weights))


def with_own_joint(track: ReadTrack) -> tuple[Track, list[str]]:
    """A track in its own codes, told about its own head's root joint where that is installed."""
    if track.moved is None:
        return _even(track)
    try:
        return _even(track.about_root(load_head(track.head).joints_of(track.betas)[ROOT]))
    except AvatarError as error:
        if error.code not in ("missing_weights", "bad_request"):
            raise
    return _even(_about_open_joint(track).noted(_OTHER_JOINT.format(head=track.head)))


def _about_open_joint(track: ReadTrack) -> ReadTrack:
    return track.about_root(load_head().joints_of(None)[ROOT])


def _even(track: ReadTrack) -> tuple[Track, list[str]]:
    lost = [] if track.weights is None else [_NO_CODES.format(head=track.head)]
    return track.even(), [*track.notes, *lost]


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
