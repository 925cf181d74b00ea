"""What has been prepared already, kept in the store, and the report made of it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.data.prepare.clip import ClipReport
from backend.export.json_lines import no_line, whole_lines
from shared.atomic import write_bytes
from shared.errors import AvatarError

JOURNAL, REPORT_JSON, REPORT_CSV = "prepared.jsonl", "report.json", "report.csv"
_LINE, _REMEDY = "clip's report", "Prepare the clips into another folder."
_KINDS = {
    "every": int,
    "clip": str,
    "source": str,
    "frames": int,
    "kept": int,
    "dropped": dict,
    "error": str,
    "notes": list,
    "seconds": int | float,
}
"""What a line holds."""


class Journal:
    """One line per finished clip. A line that was not written to its end does not count.

    Args:
        store: Its folder.
        every: The run's; that of the lines must be the same.

    Raises:
        AvatarError: `bad_request` where the store was prepared with another `every`; `bad_file`
            for a line that is no report.
    """

    def __init__(self, store: Path, every: int) -> None:
        self._path, self._every = store / JOURNAL, every
        self.reports: dict[str, ClipReport] = {}
        lines, text = whole_lines(self._path, _LINE, _REMEDY)
        for number, entry in enumerate(lines, 1):
            if not _is_report(entry):
                found = f"it holds {sorted(entry)}, or values of other kinds"
                raise no_line(self._path, number, _LINE, found, _REMEDY)
            self._take(entry)
        store.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size != len(text.encode()):
            write_bytes(self._path, text.encode())

    def _take(self, entry: dict[str, Any]) -> None:
        every = entry.pop("every")
        if every != self._every:
            raise AvatarError(
                "bad_request",
                f"{self._path.parent} was begun with --every {every}, not {self._every}.",
                f"Go on with --every {every}, or write to another folder.",
            )
        self.reports[entry["clip"]] = ClipReport(**entry)

    def done(self, clip: str) -> bool:
        """Whether a clip gave frames; one that failed is tried again."""
        return clip in self.reports and not self.reports[clip].error

    def add(self, report: ClipReport) -> None:
        """Notes a finished clip, on disk when it returns."""
        self.reports[report.clip] = report
        line = json.dumps({"every": self._every, **asdict(report)}) + "\n"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def kept_clips(self) -> list[str]:
        """Names of the clips with frames, sorted."""
        return sorted(clip for clip in self.reports if self.done(clip))

    def totals(self) -> dict[str, Any]:
        """Numbers of clips and frames, kept and dropped by reason."""
        reports = self.reports.values()
        dropped: Counter[str] = Counter()
        for report in reports:
            dropped.update({reason: len(found) for reason, found in report.dropped.items()})
        return {
            "clips": len(self.kept_clips()),
            "clips_failed": sum(bool(report.error) for report in reports),
            "frames": sum(report.kept for report in reports if not report.error),
            "frames_looked_at": sum(report.frames for report in reports),
            "frames_dropped": dict(dropped.most_common()),
        }

    def write_report(self) -> None:
        """Writes report.json and report.csv."""
        ordered = [self.reports[clip] for clip in sorted(self.reports)]
        whole = {**self.totals(), "every": self._every, "reports": [asdict(r) for r in ordered]}
        store = self._path.parent
        write_bytes(store / REPORT_JSON, json.dumps(whole, indent=1).encode())
        reasons = sorted({reason for report in ordered for reason in report.dropped})
        table = io.StringIO()
        sheet = csv.writer(table)
        sheet.writerow(["clip", "source", "frames", "kept", *reasons, "error", "seconds"])
        for r in ordered:
            counts = [len(r.dropped.get(reason, [])) for reason in reasons]
            sheet.writerow([r.clip, r.source, r.frames, r.kept, *counts, r.error, r.seconds])
        write_bytes(store / REPORT_CSV, table.getvalue().encode("utf-8", "backslashreplace"))


def _is_report(entry: dict[str, Any]) -> bool:
    return (
        entry.keys() == _KINDS.keys()
        and all(isinstance(entry[name], kind) for name, kind in _KINDS.items())
        and all(isinstance(frames, list) for frames in entry["dropped"].values())
    )
