"""`support`: the bundle that helps whoever is asked for help."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared import support

from . import doctor
from .console import Console, commands_log, lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `support`."""
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip", help="the zip")
    parser.add_argument(
        "--log",
        type=Path,
        action="append",
        default=[],
        help="a log to pack too; those of Blender's add-on are found in its usual folders",
    )


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Packs the logs and what `doctor` tells; nothing is sent anywhere."""
    out = support.check_name(args.out)
    console.phase("looking")
    facts = "".join(f"{line}\n" for line in lines(doctor.report()))
    program = {Path(__file__).resolve().parents[2]: "<splitavatar>"}
    logs = [commands_log(), *args.log, *_addon_logs()]
    holds = support.write(out, f"{support.versions()}\n{facts}", logs, program)
    return {"bundle": out, "holds": holds}


def _addon_logs() -> Iterator[Path]:
    """Logs in the user folders of the extension, of every Blender."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home) / "Blender Foundation" / "Blender"
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support" / "Blender"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "blender"
    yield from sorted(base.glob("*/extensions/.user/*/splitavatar/*.log"))
