"""docs/tracks.md shows the table of formats as it is in the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.tracks import EXTENSIONS, FORMATS, Format

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "tracks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.title)
def test_the_page_says_of_a_format_what_the_code_says(kind: Format) -> None:
    ends = ", ".join(f"`*{end}`" for end in kind.extensions)
    row = f"| {kind.title} | {ends} | {kind.keys} | {kind.head} | {kind.lost} | {kind.export} |"
    assert row in PAGE.splitlines()


def test_the_page_names_no_other_format() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(FORMATS)


def test_the_endings_that_are_offered_are_those_of_the_formats() -> None:
    assert set(EXTENSIONS) == {end for kind in FORMATS for end in kind.extensions}
