"""What the face landmarker reads of avatars that show one expression unit: driven against read.

A unit driven at 1 should read about 1, at .5 about half, left and right alike, and a neutral face
neutral. Units that the landmarker hardly reports on anybody (`UNSEEN`) are listed, not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.tracking.detect import Detector
from shared.flame import ARKIT_NAMES, Track

from .shown import shown

STRENGTHS = (0.0, 0.5, 1.0)

UNSEEN = frozenset(
    name
    for name in ARKIT_NAMES
    if name.startswith(
        ("cheek", "eyeWide", "jawForward", "jawLeft", "jawRight", "mouthClose", "mouthDimple",
         "mouthShrugUpper", "noseSneer", "tongueOut")
    )
)  # fmt: skip
"""Units that read above .2 on hardly any portrait or video frame of a real person, and on no avatar
that is driven as far as 2."""

_SIDES = (("Left", "Right"), ("Right", "Left"))
_GAZES = (("eyeLookIn", "eyeLookOut"), ("eyeLookOut", "eyeLookIn"))


@dataclass(frozen=True)
class Row:
    """One unit over several people.

    Args:
        unit: ARKit name.
        neutral: Mean of what a neutral face reads.
        half: Mean at .5.
        full: Mean at 1.
        spread: Standard deviation over the people at 1.
        people: How many were read at every strength.
    """

    unit: str
    neutral: float
    half: float
    full: float
    spread: float
    people: int


def together(unit: str) -> tuple[str, ...]:
    """The unit and its other half, as faces move them: both sides, or both eyes to one side."""
    stem = unit.removesuffix("Left").removesuffix("Right")
    if stem == unit or stem in ("jaw", "mouth"):
        return (unit,)
    partner = dict(_GAZES).get(stem, stem) + dict(_SIDES)[unit.removeprefix(stem)]
    return (unit, partner)


def readings(
    pipeline: Pipeline, avatar: Avatar, units: Iterable[str] = ARKIT_NAMES
) -> dict[str, np.ndarray]:
    """What is read of one person: unit -> [3] scores 0..1 at `STRENGTHS`, NaN without a face.

    Both halves of a pair are driven at once. Every picture is read in a mirror as well and the
    mean taken: the landmarker itself reads left and right differently.

    Args:
        pipeline: Drives and renders.
        avatar: Whom, from the front, by the portrait's camera.
        units: ARKit names.
    """
    detector = pipeline.tracker.detector
    neutral = _read(detector, shown(pipeline, avatar, Track.from_arkit({})))
    found: dict[str, np.ndarray] = {}
    for unit in units:
        if unit in found:
            continue
        pair = together(unit)
        frames = [Track.from_arkit(dict.fromkeys(pair, strength)) for strength in STRENGTHS[1:]]
        driven = [_read(detector, shown(pipeline, avatar, frame)) for frame in frames]
        for name in pair:
            found[name] = np.array([scores.get(name, np.nan) for scores in (neutral, *driven)])
    return {unit: found[unit] for unit in units}


def rows(people: Sequence[dict[str, np.ndarray]]) -> list[Row]:
    """The table of several people's `readings` of the same units."""
    table = []
    for unit in people[0] if people else ():
        scores = np.array([person[unit] for person in people])  # [N, 3]
        scores = scores[np.isfinite(scores).all(axis=1)]
        means = scores.mean(axis=0) if len(scores) else np.full(len(STRENGTHS), np.nan)
        spread = float(scores[:, -1].std()) if len(scores) else float("nan")
        neutral, half, full = (float(mean) for mean in means)
        table.append(Row(unit, neutral, half, full, spread, len(scores)))
    return table


def markdown(table: Sequence[Row]) -> list[str]:
    """Lines of the table, units that the landmarker cannot see last."""
    lines = [
        "| unit | neutral | at .5 | at 1 | spread | people |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(table, key=lambda row: row.unit in UNSEEN):
        name = f"{row.unit} (hardly seen)" if row.unit in UNSEEN else row.unit
        numbers = (row.neutral, row.half, row.full, row.spread)
        cells = [name, *(f"{number:.2f}" for number in numbers), str(row.people)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _read(detector: Detector, picture: np.ndarray) -> dict[str, float]:
    """Scores by name, mean of the picture and its mirror image; none where one shows no face."""
    own, mirrored = (
        detector.detect(np.ascontiguousarray(view)) for view in (picture, picture[:, ::-1])
    )
    if not own or not mirrored:
        return {}
    other = mirrored[0].blendshapes
    return {
        name: (score + other[_other_side(name)]) / 2 for name, score in own[0].blendshapes.items()
    }


def _other_side(unit: str) -> str:
    for side, other in _SIDES:
        if unit.endswith(side):
            return unit.removesuffix(side) + other
    return unit
