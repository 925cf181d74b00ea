"""Which pairs a step learns from: a function of the seed and the pair's number alone.

So a resumed run goes on with the very pairs it would have had, and any number of processes
shares the same sequence.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np

from backend.data.frame import Frame, FrameSource, Pair
from shared.errors import AvatarError

_EPOCHS_KEPT = 2  # threads that read ahead may already be in the next one


class TrainingPairs:
    """Endless training pairs: every frame of a split once per epoch, in a new order each time.

    A pair's target is that frame; its source is another random frame of the same clip. With one
    source per clip, that one is never a target.

    Args:
        data: The data set.
        split: Name of the split.
        seed: Another one gives other pairs.
        sources: Sources are among that many first frames of a clip; 0: among all.

    Raises:
        AvatarError: `bad_request` for a split that is missing or empty, `bad_file` for clips of
            fewer than two frames.

    Source: baseline.md, Training.
    """

    def __init__(self, data: FrameSource, split: str, seed: int, sources: int = 0) -> None:
        self._data = data
        self._sources = sources
        self._seed = seed
        self._clips = {clip: list(data.frames(clip)) for clip in split_clips(data, split)}
        short = [clip for clip, frames in self._clips.items() if len(frames) < 2]
        if short:
            raise AvatarError(
                "bad_file",
                f"{len(short)} clips of the split {split!r} have fewer than two frames: "
                f"{', '.join(short[:5])}.",
                "Training needs a source and another frame as target: leave these clips out.",
            )
        self._all = [(clip, place) for clip, frames in self._clips.items()
                     for place in range(sources == 1, len(frames))]  # fmt: skip
        self._orders: OrderedDict[int, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Pairs per epoch."""
        return len(self._all)

    def names(self, number: int) -> tuple[str, int, int]:
        """Clip, source frame and target frame of the pair of that number, 0 or more."""
        epoch, place = divmod(number, len(self._all))
        clip, target = self._all[int(self._order(epoch)[place])]
        frames = self._clips[clip]
        count = min(self._sources or len(frames), len(frames))
        chance = np.random.default_rng([self._seed, 1, number])
        other = int(chance.integers(count - (target < count)))
        source = other + (other >= target)
        return clip, frames[source], frames[target]

    def read(self, number: int) -> Pair:
        """The pair of that number; may be called from any thread."""
        clip, source, target = self.names(number)
        return Pair(self._data.read(clip, source), self._data.read(clip, target))

    def sources(self) -> Iterator[Frame]:
        """Every frame that is ever a source, read one after the other."""
        for clip, frames in self._clips.items():
            for index in frames[: self._sources or len(frames)]:
                yield self._data.read(clip, index)

    def _order(self, epoch: int) -> np.ndarray:
        with self._lock:
            if epoch not in self._orders:
                chance = np.random.default_rng([self._seed, 0, epoch])
                self._orders[epoch] = chance.permutation(len(self._all))
                while len(self._orders) > _EPOCHS_KEPT:
                    self._orders.popitem(last=False)
            return self._orders[epoch]


def validation_names(data: FrameSource, split: str, count: int) -> list[tuple[str, int, int]]:
    """Clip, source and target of fixed pairs: each clip's first frame drives its others.

    Args:
        data: The data set.
        split: Name of the split.
        count: How many at most; they are spread over all clips.

    Source: baseline.md, Training: the first frame is the source outside of training.
    """
    chance = np.random.default_rng(0)
    others = [
        (clip, frames[0], list(chance.permutation(frames[1:])))
        for clip in split_clips(data, split)
        if len(frames := list(data.frames(clip))) > 1
    ]
    found: list[tuple[str, int, int]] = []
    longest = max((len(targets) for _, _, targets in others), default=0)
    for turn in range(longest):
        found += [(clip, first, int(t[turn])) for clip, first, t in others if turn < len(t)]
    return found[:count]


def split_clips(data: FrameSource, split: str) -> Sequence[str]:
    """The clips of a split, at least one.

    Raises:
        AvatarError: `bad_request` for a split that is missing or empty.
    """
    splits = list(data.splits())
    clips = list(data.clips(split)) if split in splits else []
    if not clips:
        raise AvatarError(
            "bad_request",
            f"The data set has no clips in a split {split!r}; its splits are "
            f"{', '.join(splits) or 'none'}.",
            "Prepare the data with that split, or (for val) set validate_every = 0.",
        )
    return clips
