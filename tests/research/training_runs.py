"""Small training runs, and what they left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from backend.data.frame import FrameSource
from backend.training.log import read_lines
from backend.training.run import train
from backend.training.settings import settings_of
from backend.training.trainer import Outcome
from shared.progress import Progress, silent
from tests.fakes.drawn_clips import TINY, DrawnClips, open_head

TERMS = ("image", "lifting", "split", "total", "grad_norm")


def run(
    out: Path,
    progress: Progress = silent,
    resume: bool = False,
    time_limit_s: float | None = None,
    data: FrameSource | None = None,
    **changes: Any,
) -> Outcome:
    settings = settings_of({**TINY, **changes})
    limits = {"progress": progress, "resume": resume, "time_limit_s": time_limit_s}
    return train(settings, data or DrawnClips(), open_head(), out, **limits)


def losses(out: Path) -> list[list[float]]:
    lines = read_lines(out / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    return [[line[name] for name in TERMS] for line in lines]


def close(found: list[list[float]], expected: list[list[float]], tolerance: float) -> None:
    torch.testing.assert_close(
        torch.tensor(found), torch.tensor(expected), rtol=tolerance, atol=tolerance
    )
