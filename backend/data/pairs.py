"""Which frame is the source and which the target: training, self- and cross-reenactment.

Source: baseline.md, Training: the source is a random other frame of the clip (train) or its
first frame (val, test); across identities it is the first frame of the next clip.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from backend.data.frame import FrameSource, Pair
from shared.errors import AvatarError


class FrameName(NamedTuple):
    """A frame by clip and number."""

    clip: str
    number: int


class PairName(NamedTuple):
    """A pair whose pictures are not read yet."""

    source: FrameName
    target: FrameName


def read_pair(data: FrameSource, names: PairName) -> Pair:
    """Reads both frames of a pair."""
    return Pair(data.read(*names.source), data.read(*names.target))


class TrainPairs:
    """An endless sequence of training pairs, each a function of (seed, index) alone.

    Every frame is the target once in each run of `len(self)` indices, in an order of its own;
    the source is another frame of its clip. So a run can stop anywhere and go on exactly, and
    ranks and slots of a batch take indices of their own: `index_of`.

    Args:
        data: Where frames come from.
        split: Its split, normally train.
        seed: Another seed, another order.

    Raises:
        AvatarError: `bad_file` where no clip of the split has two frames.
    """

    def __init__(self, data: FrameSource, split: str, seed: int) -> None:
        self._data, self._seed = data, seed
        clips = {clip: tuple(data.frames(clip)) for clip in data.clips(split)}
        self._clips = [clip for clip, frames in clips.items() if len(frames) > 1]
        self._frames = [clips[clip] for clip in self._clips]
        self._starts = np.cumsum([0, *(len(frames) for frames in self._frames)])
        if not self._clips:
            raise AvatarError(
                "bad_file",
                f"None of the {len(clips)} clips of the split {split!r} has two frames; a pair "
                "needs a source and a target.",
                "Prepare longer clips, or with a smaller --every.",
            )
        self._order: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        """Number of targets: frames of clips that have at least two."""
        return int(self._starts[-1])

    def name(self, index: int) -> PairName:
        """Pair number `index` >= 0."""
        epoch, place = divmod(index, len(self))
        number = int(self._epoch(epoch)[place])
        clip = int(np.searchsorted(self._starts, number, side="right")) - 1
        target, frames = number - int(self._starts[clip]), self._frames[clip]
        other = int(np.random.default_rng([self._seed, 1, index]).integers(len(frames) - 1))
        name, source = self._clips[clip], other + (other >= target)
        return PairName(FrameName(name, frames[source]), FrameName(name, frames[target]))

    def __getitem__(self, index: int) -> Pair:
        """Reads pair number `index` >= 0."""
        return read_pair(self._data, self.name(index))

    def _epoch(self, epoch: int) -> np.ndarray:
        kept = self._order
        if kept is None or kept[0] != epoch:
            order = np.random.default_rng([self._seed, 0, epoch]).permutation(len(self))
            kept = self._order = (epoch, order)
        return kept[1]


def index_of(step: int, rank: int, slot: int, ranks: int, slots: int) -> int:
    """The number of the pair that a place of a batch takes.

    Args:
        step: Number of the training step, from 0.
        rank: Process, 0..ranks-1.
        slot: Sample of the process's batch (accumulated ones counted), 0..slots-1.
        ranks: Number of processes.
        slots: Samples of a process in one step.

    One process with twice the batch sees what two processes see.
    """
    return (step * ranks + rank) * slots + slot


def train_pair(data: FrameSource, split: str, seed: int, index: int) -> Pair:
    """Pair number `index` of `TrainPairs`, for occasional use (its tables are made anew)."""
    return TrainPairs(data, split, seed)[index]


def self_pairs(data: FrameSource, split: str) -> Iterator[PairName]:
    """Self-reenactment: each clip's first frame is the source, all its others are targets."""
    for clip in data.clips(split):
        first, *others = data.frames(clip)
        for index in others:
            yield PairName(FrameName(clip, first), FrameName(clip, index))


def cross_pairs(data: FrameSource, split: str) -> Iterator[PairName]:
    """Cross-reenactment: the source is the first frame of the next clip, the last one's is the
    first clip's.

    Raises:
        AvatarError: `bad_request` where the split has one clip only.
    """
    clips = list(data.clips(split))
    if len(clips) < 2:
        raise AvatarError(
            "bad_request",
            f"Cross-reenactment needs two clips; the split {split!r} has {len(clips)}.",
            "Use a split with more clips.",
        )
    for clip, source in itertools.pairwise([*clips, clips[0]]):
        first = FrameName(source, data.frames(source)[0])
        for index in data.frames(clip)[1:]:
            yield PairName(first, FrameName(clip, index))
