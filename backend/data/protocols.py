"""The paper's test protocols: which clips, which source, which frames.

Source: Sec. 4.1; method.md 7. VFHQ: 50 test clips, 100 random frames each. HDTF: the clips of
OTAvatar's split, 230 random frames each. The source is always a clip's first frame.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.data.frame import FrameSource
from backend.data.pairs import PairName, cross_pairs, self_pairs
from shared.errors import AvatarError, said
from shared.restricted.damage import TEXT_DAMAGE

TRAINING_FRAMES, TRAINING_CLIPS, TRAINING_EVERY = 636_359, 14_513, 5
"""The paper's training set: every 5th frame of VFHQ."""


@dataclass(frozen=True)
class Protocol:
    """A test protocol.

    Args:
        name: `vfhq` or `hdtf`.
        clips: How many clips the paper has; None where only the list says it.
        frames: Random target frames of each clip.
        split: Of the store.
        seed: Of the choice of frames.
        listed: Names of the clips, where a list chooses them.

    Deviates: the paper does not say which frames its seed chose; ours are fixed, and a clip's
        do not depend on which other clips there are.
    """

    name: str
    clips: int | None
    frames: int
    split: str = "test"
    seed: int = 0
    listed: tuple[str, ...] | None = None

    def pairs(self, data: FrameSource, *, cross: bool = False) -> tuple[PairName, ...]:
        """The pairs of a data set, clip by clip, frames ascending.

        Args:
            data: The test clips.
            cross: Sources of another person, instead of the clip's own.

        Raises:
            AvatarError: `bad_file` for a listed clip that is not there, `bad_request` where
                the split is missing or too small.
        """
        chosen = _Chosen(data, self.split, self._clip_names(data))
        every = cross_pairs if cross else self_pairs
        targets = {clip: self._targets(clip, data) for clip in chosen.clips(self.split)}
        return tuple(
            pair
            for pair in every(chosen, self.split)
            if pair.target.number in targets[pair.target.clip]
        )

    def deviations(self, data: FrameSource) -> list[str]:
        """What keeps the numbers of a data set from being the paper's, one sentence each."""
        clips = self._clip_names(data)
        short = [clip for clip in clips if len(data.frames(clip)) - 1 < self.frames]
        found = []
        if self.clips is not None and len(clips) != self.clips:
            found.append(f"{len(clips)} clips instead of {self.clips}")
        if short:
            found.append(
                f"{len(short)} clips have fewer than {self.frames} frames besides the source's"
            )
        return found

    def _clip_names(self, data: FrameSource) -> tuple[str, ...]:
        there = data.clips(self.split)
        if self.listed is None:
            return tuple(there)
        missing = sorted(set(self.listed) - set(there))
        if missing:
            raise AvatarError(
                "bad_file",
                f"{len(missing)} of the {len(self.listed)} clips that the {self.name} list names "
                f"are not in the split {self.split!r}: {', '.join(missing[:5])} ...",
                "Prepare them, or correct the list.",
            )
        return tuple(sorted(self.listed))

    def _targets(self, clip: str, data: FrameSource) -> frozenset[int]:
        candidates = data.frames(clip)[1:]
        number = int.from_bytes(hashlib.sha256(clip.encode()).digest()[:8], "little")
        rng = np.random.default_rng([self.seed, number])
        count = min(self.frames, len(candidates))
        return frozenset(candidates[i] for i in rng.choice(len(candidates), count, replace=False))


class _Chosen:
    """A data set of which only some clips are looked at."""

    def __init__(self, data: FrameSource, split: str, clips: Sequence[str]) -> None:
        self._data, self._split, self._clips = data, split, clips
        self.head, self.image_size = data.head, data.image_size
        self.read, self.frames = data.read, data.frames

    def splits(self) -> Sequence[str]:
        return (self._split,)

    def clips(self, split: str) -> Sequence[str]:
        return self._clips if split == self._split else ()


VFHQ = Protocol("vfhq", clips=50, frames=100)


def hdtf(clip_list: Path | None) -> Protocol:
    """The HDTF protocol.

    Args:
        clip_list: OTAvatar's test clips: a JSON list, or a text file with a name per line. Its
            authors hand the list out with their data; it is not part of their code.

    Raises:
        AvatarError: `bad_request` without a list, `bad_file` for an unreadable or empty one.
    """
    if clip_list is None:
        raise AvatarError(
            "bad_request",
            "The HDTF protocol needs the list of OTAvatar's test clips, which does not ship.",
            "Give a file with one clip name per line.",
        )
    try:
        text = clip_list.read_text(encoding="utf-8")
        names = json.loads(text) if text.lstrip().startswith("[") else text.split()
    except TEXT_DAMAGE as error:
        raise AvatarError(
            "bad_file",
            f"{clip_list} is not a readable list ({said(error)}).",
            "Give a JSON list, or a text file with one clip name per line.",
        ) from error
    if not names or not all(isinstance(name, str) for name in names):
        raise AvatarError(
            "bad_file", f"{clip_list} names no clips.", "Give one clip name per line."
        )
    return Protocol("hdtf", clips=None, frames=230, listed=tuple(sorted(set(names))))
