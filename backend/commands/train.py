"""`train`: a network from a data set."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from backend.data.store import Store
from backend.head import load_head
from backend.training.fabric import make_fabric
from backend.training.run import train
from backend.training.settings import load_settings
from shared.progress import silent

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `train`."""
    parser.add_argument("config", help="a preset's name, or a .toml file")
    parser.add_argument("--data", type=Path, required=True, help="the data set (see prepare)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    parser.add_argument("--iterations", type=int, help="steps in all (default: the preset's)")
    parser.add_argument("--time-limit", type=float, metavar="MIN", help="stop after so long")
    parser.add_argument("--weights", type=Path, help="a checkpoint to start from")
    parser.add_argument("--portraits", type=Path, help="folder that keeps portraits' starts")
    parser.add_argument(
        "--devices", type=int, default=1, help="processes on this machine (under torchrun: its own)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Trains."""
    changes = {} if args.iterations is None else {"iterations": args.iterations}
    settings = load_settings(args.config, **changes)
    fabric = make_fabric(settings.train, args.devices, args.device)
    fabric.launch()
    outcome = train(
        settings,
        Store(args.data),
        load_head(settings.model.head),
        args.out,
        resume=args.resume,
        weights=args.weights,
        portraits=args.portraits,
        time_limit_s=None if args.time_limit is None else 60 * args.time_limit,
        fabric=fabric,
        progress=console.progress if fabric.is_global_zero else silent,
    )
    if not fabric.is_global_zero:
        args.json = False  # one process speaks for all
        return {}
    return {**dataclasses.asdict(outcome), "seconds": console.seconds}
