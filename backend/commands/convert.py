"""`convert`: GAGAvatar's published checkpoint as one of ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `convert`."""
    parser.add_argument("source", type=Path, help="GAGAvatar.pt")
    parser.add_argument(
        "--out", type=Path, help="the .safetensors file to write (default: where presets look)"
    )


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Converts and says whether it was the file that its authors published."""
    from backend.avatar.weights import weights_path
    from backend.gagavatar.convert import PRESET, convert

    facts = convert(args.source, args.out or weights_path(PRESET), console.progress)
    if not facts["published"]:
        console.note(
            f"Note: {args.source.name} has sha256 {facts['sha256']}, which is not that of the "
            "file its authors published. All its tensors fit."
        )
    return facts
