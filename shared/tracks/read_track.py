"""`ReadTrack`: a track as a file tells it, with its own times and what there is to say about it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from .. import rotations
from ..flame import FRAME_SIZES, Track

_ROTATIONS = ("global_orient", "neck_pose", "jaw_pose", "leye_pose", "reye_pose")


@dataclass(frozen=True)
class ReadTrack(Track):
    """A `Track` out of a file.

    Args:
        times: [T] seconds since its first frame, rising; None: even, at `fps`.
        moved: [T, 4, 4] how the head as posed by the track moves besides, head space, metres (a
            source that tells head motion by a camera, or about another point than the root
            joint); None: not at all. `about_root` puts it into the track.
        weights: [T, 52] ARKit weights that the file tells beside codes of FLAME, or None.
        format: Title of the file's format.
        notes: What was noticed, mended or left out; a sentence each.
    """

    times: np.ndarray | None = None
    moved: np.ndarray | None = None
    weights: np.ndarray | None = None
    format: str = ""
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> np.ndarray:
        """[T] when each frame is, seconds since the first."""
        return np.arange(len(self)) / self.fps if self.times is None else self.times

    def slice(self, start: int, stop: int) -> ReadTrack:
        """Frames start..stop-1, with their times since the first of them."""
        own = ("times", "moved", "weights")
        cut = {n: None if getattr(self, n) is None else getattr(self, n)[start:stop] for n in own}
        if cut["times"] is not None:
            cut["times"] = cut["times"] - cut["times"][0]
        return replace(super().slice(start, stop), **cut)

    def noted(self, *notes: str) -> ReadTrack:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def about_root(self, joint: np.ndarray) -> ReadTrack:
        """The same motion, told by the turn about the root joint and the shift after it.

        Args:
            joint: [3] the root joint of the head that will be moved, head space, metres.
        """
        if self.moved is None:
            return self
        turn, shift = self.moved[:, :3, :3], self.moved[:, :3, 3]
        own = rotations.rotation_matrix(self.global_orient)
        place = np.einsum("tij,tj->ti", turn, joint + self.transl.astype(np.float64))
        return replace(
            self,
            global_orient=rotations.axis_angle(turn @ own),
            transl=place + shift - joint,
            moved=None,
        )

    def even(self) -> Track:
        """A plain track at `fps`: one with times of its own is resampled.

        Raises:
            ValueError: `moved` is not told about the root joint yet.
        """
        if self.moved is not None:
            raise ValueError("call about_root first: the track does not hold all of its motion")
        steady = self if self.times is None else resampled(self, self.fps)
        return Track(**{field.name: getattr(steady, field.name) for field in fields(Track)})


def resampled(track: Track, fps: float) -> Track:
    """A track at another frame rate: weights linearly, rotations on the shortest arc.

    Args:
        track: T frames, even or with times of their own.
        fps: New frames per second. The last frame is the last whole one within the track.
    """
    times = track.times if isinstance(track, ReadTrack) else None
    if len(track) < 2 or (times is None and abs(track.fps - fps) < 1e-6):
        return replace(track, fps=fps)
    when = np.arange(len(track)) / track.fps if times is None else times
    count = int(np.floor(when[-1] * fps + 1e-6)) + 1
    wanted = np.minimum(np.arange(count) / fps, when[-1])
    low = np.clip(np.searchsorted(when, wanted + 1e-9, side="right") - 1, 0, len(when) - 2)
    part = ((wanted - when[low]) / (when[low + 1] - when[low])).clip(0, 1)[:, None]
    values = mixed(track, low, low + 1, part)
    settings = {} if times is None else {"times": None}
    return replace(track, fps=fps, **values, **settings)


def mixed(track: Track, first: np.ndarray, second: np.ndarray, part: np.ndarray) -> dict:
    """A track's per-frame arrays between frames `first` and `second` [N], at `part` [N, 1]."""
    values: dict[str, np.ndarray] = {}
    for name in FRAME_SIZES:
        array = getattr(track, name).astype(np.float64)
        if name in _ROTATIONS:
            values[name] = rotations.between(array[first], array[second], part)
        else:
            values[name] = array[first] * (1 - part) + array[second] * part
    if isinstance(track, ReadTrack):
        if track.weights is not None:
            values["weights"] = track.weights[first] * (1 - part) + track.weights[second] * part
        if track.moved is not None:
            values["moved"] = _between_motions(track.moved, first, second, part)
    return values


def _between_motions(
    moved: np.ndarray, first: np.ndarray, second: np.ndarray, part: np.ndarray
) -> np.ndarray:
    vectors = rotations.axis_angle(moved[:, :3, :3])
    result = np.tile(np.eye(4), (len(first), 1, 1))
    turned = rotations.between(vectors[first], vectors[second], part)
    result[:, :3, :3] = rotations.rotation_matrix(turned)
    result[:, :3, 3] = moved[first, :3, 3] * (1 - part) + moved[second, :3, 3] * part
    return result
