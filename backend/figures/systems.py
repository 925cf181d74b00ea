"""Figures 4 and 5: source, driver and what each system made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.evaluation.paper import Table, table
from backend.evaluation.results import TARGETS, Results
from shared.errors import AvatarError

from .grid import grid

METHODS, PARTS = 4, 5
"""Numbers of the figures: all methods; the method without one of its parts."""

_TABLES = {METHODS: 1, PARTS: 3}
_ROWS = 4


def system_figure(
    results: Results,
    number: int,
    systems: Sequence[str] | None = None,
    shots: Sequence[str] | None = None,
    side_px: int = 256,
) -> np.ndarray:
    """[H, W, 3] uint8.

    Args:
        results: Pictures of one task; the paper shows cross-reenactment.
        number: 4 or 5: whose order and names the columns have.
        systems: Folders to show, in this order; None: all (5: those of Table 3), in the paper's
            order, ours last.
        shots: `clip/frame` of every row; None: four, spread over clips.
        side_px: Side of each picture.

    Raises:
        AvatarError: `bad_request` naming a system or frame that is not there.

    Source: Figs. 4 and 5.
    """
    columns = _columns(results, table(_TABLES[number]), systems)
    rows = []
    for clip, frame in _shots(results, shots):
        pictures = [results.source(clip).pixels, results.shot(TARGETS, clip, frame).pixels]
        rows.append(pictures + [results.shot(name, clip, frame).pixels for name, _ in columns])
    return grid(["Source", "Driver", *(title for _, title in columns)], rows, side_px)


def _columns(
    results: Results, names: Table, systems: Sequence[str] | None
) -> list[tuple[str, str]]:
    """Folder and heading of each column."""
    if missing := sorted(set(systems or ()) - set(results.systems)):
        raise AvatarError(
            "bad_request",
            f"{results.root} has no results of {', '.join(missing)}.",
            f"Choose some of {', '.join(results.systems)}.",
        )
    known: dict[str, str] = {}
    for row in names.rows:
        folder = row.name if row.name in results.systems else row.preset
        if folder in results.systems:
            known[folder] = row.name
    if systems is None:
        others = [name for name in results.systems if name not in known]
        if known and names.number == _TABLES[PARTS]:  # the other variants have tables, no figure
            others = []
        ours = [name for name, title in known.items() if title == "Ours"]
        systems = [name for name in known if name not in ours] + others + ours
    return [(name, known.get(name, name)) for name in systems]


def _shots(results: Results, asked: Sequence[str] | None) -> list[tuple[str, str]]:
    there = [(clip, frame) for clip, frames in results.clips.items() for frame in frames]
    if asked is None:
        # One frame of each clip before a second one of any.
        turns = sorted(there, key=lambda shot: (results.clips[shot[0]].index(shot[1]), shot[0]))
        return turns[:_ROWS]
    chosen = [(clip, frame) for clip, _, frame in (text.rpartition("/") for text in asked)]
    if missing := [f"{clip}/{frame}" for clip, frame in chosen if (clip, frame) not in there]:
        raise AvatarError(
            "bad_request",
            f"{results.root} has no frame {missing[0]}.",
            f"Choose out of {there[0][0]}/{there[0][1]} ... {there[-1][0]}/{there[-1][1]}.",
        )
    return chosen
