"""What is fuzzed: a reader, and valid files for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Write = Callable[[Path], Path | None]
"""Writes a valid sample into an empty folder; returns what to open, None: the folder."""


@dataclass(frozen=True)
class Reader:
    """A way of the program into a file.

    Args:
        name: As on the command line.
        read: Opens a path and looks at all of what is there.
        samples: Valid files, which it reads without an error.
        named: Whether its errors must name the file, or one beside it.
    """

    name: str
    read: Callable[[Path], Any]
    samples: Mapping[str, Write]
    named: bool = True


def one(name: str, content: Callable[[], bytes]) -> Write:
    """A sample of one file."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content())
        return path

    return write
