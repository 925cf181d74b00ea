"""The log of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.training.log import RunLog, read_lines
from shared.errors import AvatarError


def test_a_resumed_log_has_no_second_branch(tmp_path: Path):
    with RunLog(tmp_path, 0) as log:
        for step in range(1, 6):
            log.numbers(step, {"total": step / 10})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "tot')  # the process was killed here
    with RunLog(tmp_path, 3) as log:
        log.numbers(4, {"total": 9.0})
    totals = [line["total"] for line in read_lines(tmp_path / "metrics.jsonl")]
    assert totals == [0.1, 0.2, 0.3, 9.0]


@pytest.mark.parametrize("line", ['{"step": "1"}', '{"total": 1}', "[1]", "nonsense"])
def test_a_line_without_a_step_is_named(tmp_path: Path, line: str):
    (tmp_path / "metrics.jsonl").write_text(f'{{"step": 1}}\n{line}\n')
    with pytest.raises(AvatarError, match=r"metrics\.jsonl, line 2 is not a step's numbers"):
        read_lines(tmp_path / "metrics.jsonl")
