"""What the journal remembers and reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.data.prepare.clip import ClipReport
from backend.data.prepare.journal import Journal
from shared.errors import AvatarError


def report(clip: str, error: str = "", kept: int = 3) -> ClipReport:
    return ClipReport(clip, f"/in/{clip}.mp4", 5, kept, {"no face": [1, 2]}, error, seconds=1.5)


def test_a_journal_remembers_what_is_done_and_forgets_a_torn_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 5)
    journal.add(report("a"))
    journal.add(report("b", error="broken", kept=0))
    path = tmp_path / "prepared.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"every": 5, "clip": "c", "sour')
    again = Journal(tmp_path, 5)
    assert again.done("a")
    assert not again.done("b")  # tried again
    assert not again.done("c")
    assert path.read_text() == whole
    again.add(report("b"))
    assert Journal(tmp_path, 5).kept_clips() == ["a", "b"]
    with pytest.raises(AvatarError, match="begun with --every 5, not 1"):
        Journal(tmp_path, 1)


def test_the_report_counts_by_reason(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 5)
    journal.add(report("b"))
    journal.add(report("a", error="broken", kept=0))
    journal.write_report()
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["clips"] == written["clips_failed"] == 1
    assert (written["frames"], written["frames_looked_at"]) == (3, 10)
    assert written["frames_dropped"] == {"no face": 4}
    assert (tmp_path / "report.csv").read_text().splitlines() == [
        "clip,source,frames,kept,no face,error,seconds",
        "a,/in/a.mp4,5,0,2,broken,1.5",
        "b,/in/b.mp4,5,3,2,,1.5",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"kept": "3"},
        {"dropped": {"no face": 1}},
        {"notes": "HDR"},
        {"more": 1},
        {"clip": ["a"]},
        {"seconds": None},
    ],
)
def test_a_line_that_is_no_report_is_named(tmp_path: Path, change: dict) -> None:
    Journal(tmp_path, 5).add(report("a"))
    path = tmp_path / "prepared.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | change) + "\n")
    with pytest.raises(AvatarError, match=r"prepared\.jsonl, line 1 is not a clip's report"):
        Journal(tmp_path, 5)


def test_a_name_of_half_a_character_is_reported(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 5)
    journal.add(report("\ud800"))
    journal.write_report()
    assert r"\ud800" in (tmp_path / "report.csv").read_text(encoding="utf-8")
