"""Reports: ours beside the paper's, in Markdown and CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from backend.evaluation.metrics import Unavailable
from backend.evaluation.paper import table
from backend.evaluation.report import write_reports
from backend.evaluation.summary import Summary


def summary(task: str, system: str, **means: float) -> Summary:
    return Summary(task, system, means, {"a": means}, {}, 4)


def cells(text: str, row: str) -> dict[str, str]:
    """A Markdown table's row by the table's headings, of the first table that has it."""
    for block in text.split("### ")[1:]:
        lines = [line.strip("| ").split(" | ") for line in block.splitlines() if "|" in line]
        for line in lines[2:]:
            if line[0] == row:
                return dict(zip(lines[0], line, strict=True))
    raise AssertionError(f"no row {row!r} in:\n{text}")


def test_a_systems_row_stands_beside_the_papers(tmp_path: Path):
    ours = [
        summary("self", "GAGAvatar", psnr=20.5, lpips_effnet=0.3),
        summary("self", "paper", psnr=21.5),
        summary("self", "another", psnr=10.0),
    ]
    write_reports(tmp_path, ours, [], [table(1)])
    text = (tmp_path / "scores.md").read_text()
    row = cells(text, "GAGAvatar")
    assert (row["psnr ↑"], row["psnr, paper"]) == ("20.5000", "20.9694")
    assert (row["lpips_effnet ↓"], row["lpips, paper"], row["lpips ↓"]) == ("0.3000", "0.1524", "-")
    assert cells(text, "Ours (paper)")["psnr ↑"] == "21.5000"
    assert cells(text, "CVTHead")["psnr ↑"] == "-"
    assert cells(text, "another")["psnr, paper"] == "-"


def test_cross_reenactment_prints_all_four_of_the_text_and_the_tables(tmp_path: Path):
    write_reports(tmp_path, [summary("cross", "paper", akd=3.0, csim=0.5)], [], [table(2)])
    row = cells((tmp_path / "scores.md").read_text(), "Ours (paper)")
    assert (row["csim ↑"], row["csim, paper"]) == ("0.5000", "0.8547")
    assert (row["aed ↓"], row["apd ↓"], row["akd ↓"]) == ("-", "-", "3.0000")
    assert "psnr ↑" not in row


def test_the_csv_holds_measured_and_printed_rows(tmp_path: Path):
    ours = [summary("self", "paper", psnr=21.5), summary("cross", "paper", csim=0.5)]
    write_reports(tmp_path, ours, [], [table(3)])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text())))
    assert [row["system"] for row in rows] == ["paper", *(row.name for row in table(3).rows)]
    assert (rows[0]["self.psnr"], rows[0]["cross.csim"], rows[0]["self.aed"]) == ("21.5", "0.5", "")
    assert float(rows[1]["self.psnr"]) == 21.0958


def test_what_was_not_measured_is_said_with_its_reason(tmp_path: Path):
    write_reports(tmp_path, [summary("self", "x", psnr=1.0)], [Unavailable("csim", "no file")], [])
    assert "- csim: no file" in (tmp_path / "scores.md").read_text()
    assert json.loads((tmp_path / "scores.json").read_text())["unavailable"] == {"csim": "no file"}


def test_pictures_without_a_face_are_told_once_per_system(tmp_path: Path):
    missed = Summary("self", "x", {"psnr": 1.0}, {}, {"akd_mp": 2, "csim_dlib": 2, "csim": 1}, 4)
    write_reports(tmp_path, [missed], [], [])
    text = (tmp_path / "scores.md").read_text()
    assert "- self, x: akd_mp, csim_dlib found no face in 2 of 4 pictures" in text
    assert "- self, x: csim found no face in 1 of 4 pictures" in text


def test_each_variant_is_shown_in_the_tables_that_name_it(tmp_path: Path):
    ours = [summary("self", name, psnr=1.0) for name in ("paper", "no_ar", "k4L2")]
    write_reports(tmp_path, ours, [], [table(3), table(4)])
    third, fourth = (tmp_path / "scores.md").read_text().split("### ")[1:]
    assert "k4L2" not in third
    assert "(no_ar)" in third
    assert "1x1 (no_ar)" in fourth
    assert "4x2 (k4L2)" in fourth
