"""`ablations`: trains the variants of Tables 3 to 5 alike and prints the tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `ablations`."""
    parser.add_argument("--data", type=Path, required=True, help="a store with train and test")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs and reports")
    parser.add_argument(
        "--base", default="paper", help="preset that sizes and training come from (default: paper)"
    )
    parser.add_argument("--variants", nargs="+", help="default: all rows of Tables 3 to 5")
    parser.add_argument("--iterations", type=int, help="steps of each (default: the base's)")
    parser.add_argument("--seed", type=int, help="of each (default: the base's)")
    parser.add_argument("--split", default="test", help="split to compare on (default: test)")
    parser.add_argument("--limit", type=int, help="at most so many frames per clip")
    parser.add_argument("--metrics", nargs="+", help="default: all that can be had here")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Trains what is not trained yet, compares, prints."""
    from backend.data.store import Store
    from backend.evaluation import ablations
    from backend.evaluation.run import chosen_device, score_folder

    changes = {"iterations": args.iterations, "seed": args.seed}
    changes = {name: value for name, value in changes.items() if value is not None}
    names = ablations.choose(args.variants)
    settings = [ablations.variant_settings(name, args.base, **changes) for name in names]
    store, device = Store(args.data), chosen_device(args.device)
    trained = [
        ablations.run_variant(
            entry, store, args.split, args.out, args.limit, device, console.progress
        )
        for entry in settings
    ]
    reports = score_folder(
        args.out / "results", args.out, None, args.metrics, ablations.TABLES, args.device,
        console.progress,
    )  # fmt: skip
    if not args.json:
        console.note((args.out / "scores.md").read_text(encoding="utf-8"))
    return {"variants": trained, **reports, "seconds": console.seconds}
