"""Which frame is the source and which the target: self- and cross-reenactment.

Pairs to train from, whose source is a random other frame, are `backend.training.sampling`'s.

Source: baseline.md, Training: outside of training the source is the clip's first frame; across
identities it is the first frame of the next clip.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

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
