"""What a metric looks at, and what a metric is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture of a results folder.

    Args:
        pixels: [H, W, 3] uint8 display sRGB, on black.
        path: The file.
        root: The results folder of one task.
    """

    pixels: np.ndarray
    path: Path
    root: Path

    def beside(self, folder: str, suffix: str) -> Path:
        """Where precomputed facts of this picture lie: ROOT/FOLDER/<system>/<clip>/<frame>."""
        return self.root / folder / self.path.relative_to(self.root).with_suffix(suffix)


class Metric(Protocol):
    """A number that compares a result with its target or its source.

    Attributes:
        name: As in tables.
        against: What a result is compared with.
    """

    name: str
    against: Literal["target", "source"]

    def describe(self, shot: Shot) -> Any | None:
        """What `compare` needs to know of a picture; None when nothing is found in it."""
        ...

    def compare(self, result: Any, reference: Any) -> float | None:
        """The number, of a result's description and the reference's; None where there is none."""
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...
