"""Which portraits are driven by which frames: the tasks and the two data sets' protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.data.frame import FrameSource
from shared.errors import AvatarError

from .results import TASKS

DRIVERS = {"vfhq": 100, "hdtf": 230}
"""Random driving frames per clip."""

_SEED = 0


@dataclass(frozen=True)
class Shots:
    """What one portrait is asked to do.

    Args:
        clip: The driving clip, which names the folder of the pictures.
        source: Clip and number of the portrait's frame.
        drivers: Numbers of the driving clip's frames.
    """

    clip: str
    source: tuple[str, int]
    drivers: tuple[int, ...]


def plan(
    data: FrameSource, split: str, protocol: str | None, limit: int | None
) -> dict[str, list[Shots]]:
    """What is to be made, by task.

    Args:
        data: The data set.
        split: Its split.
        protocol: `self` or `cross`: that task, all frames; `vfhq` or `hdtf`: both tasks, that
            many random frames per clip; None: both, all frames (cross where there are two clips).
        limit: At most so many frames per clip.

    Raises:
        AvatarError: `bad_request` for cross-reenactment of a single clip.

    Source: Sec. 4.1; the first frame of a clip is its source, and in cross-reenactment the
    source is the next clip's in sorted order, cyclic (baseline.md, Training).
    """
    clips = list(data.clips(split))
    tasks = [protocol] if protocol in TASKS else list(TASKS)
    if len(clips) < 2 and protocol is None:
        tasks = ["self"]
    elif len(clips) < 2 and "cross" in tasks:
        raise AvatarError(
            "bad_request",
            f"The split {split!r} has {len(clips)} clip; cross-reenactment needs two.",
            "Use --protocol self, or another split.",
        )
    count = min(n for n in (DRIVERS.get(protocol or ""), limit, 1 << 30) if n is not None)
    return {
        task: [_shots(data, clips, i, task, count) for i in range(len(clips))] for task in tasks
    }


def _shots(data: FrameSource, clips: Sequence[str], place: int, task: str, count: int) -> Shots:
    clip = clips[place]
    whose = clip if task == "self" else clips[(place + 1) % len(clips)]
    frames = list(data.frames(clip))[1:]
    if len(frames) > count:
        chance = np.random.default_rng([_SEED, place])
        frames = sorted(int(n) for n in chance.choice(frames, count, replace=False))
    return Shots(clip, (whose, data.frames(whose)[0]), tuple(frames))
