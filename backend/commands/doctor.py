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
    return report()


def report() -> dict[str, Any]:
    """What `doctor` prints, and support bundles hold."""
    found = inventory.report()
    if "torch" not in found["missing"]:
        from backend.splat import speed

        found["rasteriser"] = speed.measured()
    return found
