"""Scores a results folder and writes the reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.data.store import Store
from shared.progress import Progress

from .metrics import Unavailable, choose
from .metrics.faces import FaceReader
from .network import open_network
from .paper import table
from .plan import plan
from .predict import write_results
from .report import write_reports
from .results import open_results
from .scores import Score, ScoreFile, score
from .summary import summarise

PORTRAITS = "portraits"
SCORES_FILE = "scores.jsonl"


def make_results(
    preset: str,
    weights: Path | None,
    data: Path,
    out: Path,
    split: str,
    protocol: str | None,
    limit: int | None,
    clip_list: Path | None,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Lets a network animate a data set; pictures that are there already stay.

    Args:
        preset: As `open_network`.
        weights: As `open_network`.
        data: A store.
        out: The results folder; `portraits` beside it keeps the portraits' own residuals.
        split: Of the store.
        protocol: As `plan`.
        limit: As `plan`.
        clip_list: As `plan`.
        device: `auto`, `cpu` or `cuda`.
        progress: Told after each picture.

    Returns:
        The system's name, the number of pictures made, and what keeps the numbers from being
        the paper's.
    """
    progress("load the network", 0, 0)
    network = open_network(preset, weights, out / PORTRAITS, chosen_device(device))
    store = Store(data)
    wanted = plan(store, split, protocol, limit, clip_list)
    made = write_results(network, store, out, wanted.tasks, progress)
    return {"system": network.name, "made": made, "deviations": list(wanted.deviations)}


def score_folder(
    folder: Path,
    out: Path,
    task: str | None,
    metrics: Sequence[str] | None,
    paper_tables: Sequence[int],
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Measures what is not measured yet and writes the reports.

    Args:
        folder: A results folder.
        out: Where scores and reports go.
        task: As `open_results`.
        metrics: Names; None: all that can be had.
        paper_tables: Numbers of the paper's tables to print beside ours.
        device: `auto`, `cpu` or `cuda`, for LPIPS.
        progress: Told after each picture.

    Returns:
        The means by task and system, what was not measured and why, and the files.

    Raises:
        AvatarError: As `open_results`, `choose` and `score`.
    """
    file = ScoreFile(out / SCORES_FILE)
    reader = FaceReader()
    scores: list[Score] = []
    missing: dict[str, Unavailable] = {}
    try:
        for results in open_results(folder, task):
            chosen, absent = choose(
                metrics, reader, results.root, results.task, chosen_device(device)
            )
            missing = {entry.name: entry for entry in absent} | missing
            scores += score(results, chosen, file, progress)
    finally:
        reader.close()
    absent = list(missing.values())
    summaries = summarise(scores)
    tables = [table(number) for number in paper_tables]
    return {
        "means": {f"{s.task} {s.system}": s.means for s in summaries},
        "not_measured": {entry.name: entry.reason for entry in absent},
        "files": write_reports(out, summaries, absent, tables),
    }


def chosen_device(name: str) -> str:
    """`cpu` or `cuda` for `auto`, `cpu` or `cuda`."""
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
