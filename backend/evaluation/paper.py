"""The paper's own numbers: every row of Tables 1-5."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLES_FILE = Path(__file__).with_name("paper_tables.toml")


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Args:
        name: As the paper prints it, formulas in plain letters.
        preset: Our preset for it; empty for another system.
        values: Column -> number; columns are `self.psnr` .. `cross.apd`.
    """

    name: str
    preset: str
    values: dict[str, float]


@dataclass(frozen=True)
class Table:
    """One table of the paper.

    Args:
        number: 1 to 5.
        title: What it compares.
        data: `vfhq` or `hdtf`.
        rows: In the paper's order.
    """

    number: int
    title: str
    data: str
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row:
        """The row of a name or of one of our presets."""
        for row in self.rows:
            if name in (row.name, row.preset):
                return row
        raise KeyError(f"table {self.number} has no row {name!r}")


@cache
def columns() -> tuple[str, ...]:
    """The columns of all five tables, in the paper's order."""
    return tuple(_content()["columns"])


@cache
def tables() -> tuple[Table, ...]:
    """Tables 1 to 5.

    Source: Tables 1-5.
    """
    return tuple(
        Table(
            table["number"],
            table["title"],
            table["data"],
            tuple(
                Row(
                    row["name"],
                    row.get("preset", ""),
                    dict(zip(columns(), row["values"], strict=True)),
                )
                for row in table["rows"]
            ),
        )
        for table in _content()["tables"]
    )


def table(number: int) -> Table:
    """One of Tables 1 to 5."""
    return next(table for table in tables() if table.number == number)


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(TABLES_FILE.read_text(encoding="utf-8"))
