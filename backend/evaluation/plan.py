"""Which portraits are driven by which frames: the tasks and the two data sets' protocols."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from backend.data.frame import FrameSource
from backend.data.pairs import PairName, cross_pairs, self_pairs
from backend.data.protocols import VFHQ, Protocol, hdtf

from .results import TASKS


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


@dataclass(frozen=True)
class Plan:
    """Everything that is to be made.

    Args:
        tasks: Of `self` and `cross`.
        deviations: What keeps the numbers from being the paper's, one sentence each.
    """

    tasks: dict[str, tuple[Shots, ...]]
    deviations: tuple[str, ...] = ()


def plan(
    data: FrameSource,
    split: str,
    protocol: str | None,
    limit: int | None = None,
    clip_list: Path | None = None,
) -> Plan:
    """What is to be made.

    Args:
        data: The data set.
        split: Its split; `vfhq` and `hdtf` have their own, `test`.
        protocol: `self` or `cross`: that task, all frames; `vfhq` or `hdtf`: both tasks, as the
            paper chose the frames; None: both, all frames (cross where there are two clips).
        limit: At most so many frames per clip, spread over it.
        clip_list: The clips of `hdtf`.

    Raises:
        AvatarError: As `backend.data.protocols` and `backend.data.pairs`.

    Source: Sec. 4.1.
    """
    if protocol in ("vfhq", "hdtf"):
        chosen = VFHQ if protocol == "vfhq" else hdtf(clip_list)
        return _by_protocol(data, chosen, limit)
    every = {"self": self_pairs, "cross": cross_pairs}
    tasks = [protocol] if protocol is not None else list(TASKS)
    if protocol is None and len(data.clips(split)) < 2:
        tasks = ["self"]
    return Plan({task: _shots(every[task](data, split), limit) for task in tasks})


def _by_protocol(data: FrameSource, chosen: Protocol, limit: int | None) -> Plan:
    tasks = {t: _shots(chosen.pairs(data, cross=t == "cross"), limit) for t in TASKS}
    return Plan(tasks, tuple(chosen.deviations(data)))


def _shots(pairs: Iterable[PairName], limit: int | None) -> tuple[Shots, ...]:
    """Pairs by driving clip, whose source is one and the same."""
    found: dict[str, list[PairName]] = {}
    for pair in pairs:
        found.setdefault(pair.target.clip, []).append(pair)
    shots = []
    for clip, group in found.items():
        step = 1 if limit is None else max(1, -(-len(group) // limit))
        drivers = tuple(pair.target.number for pair in group[::step])
        shots.append(Shots(clip, group[0].source, drivers))
    return tuple(shots)
