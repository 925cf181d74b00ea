"""`doctor`: what works on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from backend.assets import inventory

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`doctor` has no options of its own."""


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Looks at everything; `ok` is false when something needed is missing."""
    console.phase("looking")
    report = inventory.report()
    if "torch" not in report["missing"]:
        from backend.splat import speed

        report["rasteriser"] = speed.measured()
    return report
