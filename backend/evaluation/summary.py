"""Means of scores: per clip, then over clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .metrics import METRICS
from .scores import Score


@dataclass(frozen=True)
class Summary:
    """One system in one task.

    Args:
        task: `self` or `cross`.
        system: Its folder's name.
        means: Metric -> mean of the clips' means; a metric that was found nowhere is absent.
        clips: Clip -> metric -> mean over its frames.
        missed: Metric -> pictures in which it found no face.
        pictures: How many there are.
    """

    task: str
    system: str
    means: dict[str, float]
    clips: dict[str, dict[str, float]]
    missed: dict[str, int]
    pictures: int

    def columns(self) -> dict[str, float]:
        """`task.metric` -> mean, as the paper's columns are named."""
        return {f"{self.task}.{name}": value for name, value in self.means.items()}


def summarise(scores: Iterable[Score]) -> list[Summary]:
    """A summary per task and system, in the order they come."""
    groups: dict[tuple[str, str], list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.key.task, score.key.system].append(score)
    return [_summary(task, system, group) for (task, system), group in groups.items()]


def measured(summaries: Sequence[Summary]) -> list[str]:
    """Names of the metrics that any of them has, in the tables' order."""
    return [name for name in METRICS if any(name in s.means for s in summaries)]


def _summary(task: str, system: str, scores: list[Score]) -> Summary:
    by_clip: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        by_clip[score.key.clip].append(score)
    clips = {clip: _means([score.values for score in group]) for clip, group in by_clip.items()}
    missed = {
        name: count
        for name in METRICS
        if (count := sum(name in s.values and s.values[name] is None for s in scores))
    }
    return Summary(task, system, _means(list(clips.values())), clips, missed, len(scores))


def _means(values: Iterable[Mapping[str, float | None]]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for entry in values:
        for name, value in entry.items():
            if value is not None:
                found[name].append(value)
    return {name: sum(numbers) / len(numbers) for name, numbers in found.items()}
