"""Scores of a results folder, picture by picture, kept on disk so that scoring resumes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from backend.export.json_lines import no_line, whole_lines
from shared.atomic import write_bytes
from shared.progress import Progress

from .metrics import Metric, Shot
from .results import SOURCES, TARGETS, Results, check_size

_REMEDY = "Remove the file to measure everything again."


class Key(NamedTuple):
    """Which picture."""

    task: str
    system: str
    clip: str
    frame: str


@dataclass(frozen=True)
class Score:
    """What was measured of one picture.

    Args:
        key: Which.
        digest: Of the three files it was measured on.
        values: Metric -> number, None where it found no face.
    """

    key: Key
    digest: str
    values: dict[str, float | None]


class ScoreFile:
    """One line of JSON per picture, appended; a half-written last line is measured again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scores: dict[Key, Score] = {}
        lines, text = whole_lines(path, "score", _REMEDY)
        if path.exists() and path.stat().st_size != len(text.encode()):  # stopped while writing
            write_bytes(path, text.encode())
        for number, line in enumerate(lines, 1):
            score = _score_of(line)
            if score is None:
                raise no_line(path, number, "score", f"it holds {sorted(line)}", _REMEDY)
            self._scores[score.key] = score

    def find(self, key: Key, digest: str) -> dict[str, float | None]:
        """What is known of a picture; nothing when one of its files has changed."""
        known = self._scores.get(key)
        return dict(known.values) if known is not None and known.digest == digest else {}

    def add(self, score: Score) -> None:
        """Keeps a score, on disk too."""
        self._scores[score.key] = score
        line = {"key": score.key, "digest": score.digest, "values": score.values}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def score(
    results: Results, metrics: Sequence[Metric], file: ScoreFile, progress: Progress
) -> list[Score]:
    """Measures every picture of every system that is not in `file` yet.

    Args:
        results: A complete results folder.
        metrics: What to measure; `close` stays the caller's.
        file: Where scores are kept.
        progress: Told after each picture.

    Raises:
        AvatarError: `bad_file` naming the first picture that cannot be scored.
    """
    found: list[Score] = []
    for clip, frames in results.clips.items():
        source = _Described(results.source(clip))
        for frame in frames:
            target = _Described(results.shot(TARGETS, clip, frame))
            for system in results.systems:
                progress(f"score {results.task}", len(found), len(results))
                found.append(
                    _score_one(
                        Key(results.task, system, clip, frame),
                        results.shot(system, clip, frame),
                        {TARGETS: target, SOURCES: source},
                        metrics,
                        file,
                    )
                )
    progress(f"score {results.task}", len(found), len(results))
    return found


class _Described:
    """A picture that many results are compared with, described once per metric."""

    def __init__(self, shot: Shot) -> None:
        self.shot = shot
        self._descriptions: dict[str, Any] = {}

    def by(self, metric: Metric) -> Any:
        if metric.name not in self._descriptions:
            self._descriptions[metric.name] = metric.describe(self.shot)
        return self._descriptions[metric.name]


def _score_one(
    key: Key,
    result: Shot,
    references: dict[str, _Described],
    metrics: Sequence[Metric],
    file: ScoreFile,
) -> Score:
    check_size(result, references[TARGETS].shot)
    digest = _digest([result, *(reference.shot for reference in references.values())])
    values = file.find(key, digest)
    missing = [metric for metric in metrics if metric.name not in values]
    for metric in missing:
        reference = references[TARGETS if metric.against == "target" else SOURCES].by(metric)
        mine = None if reference is None else metric.describe(result)
        values[metric.name] = None if mine is None else metric.compare(mine, reference)
    if missing:
        file.add(Score(key, digest, values))
    # Only what was asked for: an earlier run may have measured other things of some pictures.
    return Score(key, digest, {metric.name: values[metric.name] for metric in metrics})


def _digest(shots: Sequence[Shot]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for shot in shots:
        digest.update(shot.pixels.data)
    return digest.hexdigest()


def _score_of(line: dict[str, Any]) -> Score | None:
    """The score of a line; None where it is none."""
    key, digest, values = (line.get(name) for name in ("key", "digest", "values"))
    if not (isinstance(key, list) and isinstance(digest, str) and isinstance(values, dict)):
        return None
    named = len(key) == len(Key._fields) and all(isinstance(name, str) for name in key)
    measured = all(value is None or type(value) in (int, float) for value in values.values())
    return Score(Key(*key), digest, values) if named and measured else None
