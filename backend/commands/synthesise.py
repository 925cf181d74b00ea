"""`synthesise`: a store of made-up people on the open head, to train and test with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.data.synthetic.synthesise import Recipe, synthesise

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `synthesise`."""
    parser.add_argument("--out", type=Path, required=True, help="the store's folder")
    parser.add_argument("--identities", type=int, required=True, help="people, one clip each")
    parser.add_argument("--frames", type=int, required=True, help="frames of every person")
    parser.add_argument("--size", type=int, default=256, help="side in pixels (default: 256)")
    parser.add_argument("--seed", type=int, default=0, help="of everything (default: 0)")
    parser.add_argument("--processes", type=int, help="at once (default: one per core)")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Makes the store."""
    recipe = Recipe(args.identities, args.frames, args.size, args.seed)
    made = synthesise(args.out, recipe, console.progress, args.processes)
    return {"store": args.out, **made, "seconds": console.seconds}
