"""Reports: JSON, CSV and Markdown, ours beside the paper's."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.atomic import write_bytes

from .metrics import LOWER_IS_BETTER, METRICS, Unavailable
from .metrics.registry import PAPER, SAME_PERSON
from .paper import Row, Table
from .summary import Summary, measured

_TITLES = {"self": "Self-reenactment", "cross": "Cross-reenactment"}
_DECIMALS = 4
_NOTHING = "-"


def write_reports(
    out: Path, summaries: Sequence[Summary], missing: Sequence[Unavailable], tables: Sequence[Table]
) -> list[Path]:
    """Writes `scores.json`, `scores.csv`, `clips.csv` and `scores.md`.

    Args:
        out: The folder.
        summaries: What was measured.
        missing: Metrics that could not be, with reasons.
        tables: Of the paper, to print beside ours.
    """
    unavailable = {u.name: u.reason for u in missing}
    written = {
        "scores.json": json.dumps(
            {
                "results": [dataclasses.asdict(summary) for summary in summaries],
                "unavailable": unavailable,
                "paper": [dataclasses.asdict(table) for table in tables],
            },
            indent=1,
        ),
        "scores.csv": _scores_csv(summaries, tables),
        "clips.csv": _clips_csv(summaries),
        "scores.md": markdown(summaries, missing, tables),
    }
    for name, text in written.items():
        write_bytes(out / name, text.encode())
    return [out / name for name in written]


def markdown(
    summaries: Sequence[Summary], missing: Sequence[Unavailable], tables: Sequence[Table]
) -> str:
    """One table per task and table of the paper: each metric, and the paper's number beside it."""
    blocks = []
    for index, table in enumerate(tables or (None,)):
        elsewhere = _named([t for t in tables if t is not table])
        for task in dict.fromkeys(summary.task for summary in summaries):
            shown = [
                s
                for s in summaries
                if s.task == task
                and (s.system in _named([table]) or (index == 0 and s.system not in elsewhere))
            ]
            blocks.append(_table(task, shown, table))
    missed = [line for summary in summaries for line in _missed(summary)]
    absent = [f"- {u.name}: {u.reason}" for u in missing]
    if missed:
        blocks.append("Left out:\n\n" + "\n".join(missed))
    if absent:
        blocks.append("Not measured:\n\n" + "\n".join(dict.fromkeys(absent)))
    return "\n\n".join(blocks) + "\n"


def _table(task: str, summaries: Sequence[Summary], table: Table | None) -> str:
    always = [n for n in PAPER if task == "self" or n not in SAME_PERSON]
    ours = [n for n in METRICS if n in always or n in measured(summaries)]
    columns = [column.split(".") for column in _paper_columns(table)]
    paper = [name for part, name in columns if part == task]
    names = [name for name in METRICS if name in ours or name in paper]
    header = ["system"]
    for name in names:
        arrow = "↓" if name in LOWER_IS_BETTER else "↑"
        header += [f"{name} {arrow}"] * (name in ours) + [f"{name}, paper"] * (name in paper)
    lines = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for label, summary, row in _rows(summaries, table):
        cells = [label]
        for name in names:
            if name in ours:
                cells.append(_cell(None if summary is None else summary.means.get(name)))
            if name in paper:
                cells.append(_cell(None if row is None else row.values.get(f"{task}.{name}")))
        lines.append(cells)
    title = _TITLES[task]
    if table is not None:
        title += f", beside Table {table.number} ({table.title})"
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _missed(summary: Summary) -> list[str]:
    """Which metrics found no face, one line for all with the same count."""
    by_count: dict[int, list[str]] = {}
    for name, count in summary.missed.items():
        by_count.setdefault(count, []).append(name)
    return [
        f"- {summary.task}, {summary.system}: {', '.join(names)} found no face in {count} of "
        f"{summary.pictures} pictures, which their means leave out"
        for count, names in by_count.items()
    ]


def _named(tables: Sequence[Table | None]) -> set[str]:
    """Systems that have a row in some of the tables."""
    rows = [row for table in tables if table is not None for row in table.rows]
    return {name for row in rows for name in (row.name, row.preset) if name}


def _rows(
    summaries: Sequence[Summary], table: Table | None
) -> list[tuple[str, Summary | None, Row | None]]:
    """The paper's rows in its order with ours where a folder has the name, then the others."""
    left = {summary.system: summary for summary in summaries}
    rows: list[tuple[str, Summary | None, Row | None]] = []
    for row in table.rows if table is not None else ():
        name = row.name if row.name in left else row.preset
        summary = left.get(name)
        label = row.name if name in ("", row.name) else f"{row.name} ({name})"
        rows.append((label, summary, row))
    named = {summary.system for _, summary, _ in rows if summary is not None}
    return rows + [(name, summary, None) for name, summary in left.items() if name not in named]


def _scores_csv(summaries: Sequence[Summary], tables: Sequence[Table]) -> str:
    rows: list[Mapping[str, Any]] = []
    by_system: dict[str, dict[str, Any]] = {}
    for summary in summaries:
        entry = by_system.setdefault(summary.system, {"from": "measured", "system": summary.system})
        entry |= summary.columns()
    rows += by_system.values()
    for table in tables:
        rows += [
            {"from": f"paper, Table {table.number}", "system": row.name, **row.values}
            for row in table.rows
        ]
    tasks = dict.fromkeys(["self", "cross"])
    columns = [f"{task}.{name}" for task in tasks for name in METRICS]
    used = [column for column in columns if any(column in row for row in rows)]
    return _csv(["from", "system", *used], rows)


def _clips_csv(summaries: Sequence[Summary]) -> str:
    rows = [
        {"task": summary.task, "system": summary.system, "clip": clip, **values}
        for summary in summaries
        for clip, values in summary.clips.items()
    ]
    return _csv(["task", "system", "clip", *measured(summaries)], rows)


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _paper_columns(table: Table | None) -> list[str]:
    return [] if table is None else list(table.rows[0].values)


def _cell(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.{_DECIMALS}f}"
