"""`prepare`: raw videos to a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.data.prepare import run as preparing
from backend.data.prepare.workers import Settings
from shared.errors import AvatarError

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `prepare`."""
    parser.add_argument(
        "input", type=Path, help="a folder of videos or of folders of pictures, or one of those"
    )
    parser.add_argument("--out", type=Path, required=True, help="the store; goes on where it was")
    parser.add_argument(
        "--every", type=int, default=5, help="take every so manieth frame (default: 5)"
    )
    parser.add_argument(
        "--size", type=int, default=512, help="of the pictures, pixels (default: 512)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--head", default="open", help="head to track with (default: open)")
    parser.add_argument(
        "--test-share", type=float, default=0.1, help="part of the clips for test (default: .1)"
    )
    parser.add_argument("--split", type=Path, help='instead: JSON {"train": [clip, ...], ...}')


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Prepares what is not prepared yet."""
    for name, value, most in (("every", args.every, 10_000), ("jobs", args.jobs, 1024),
                              ("size", args.size, 4096)):  # fmt: skip
        if not 1 <= value <= most:
            raise AvatarError("bad_request", f"--{name} is {value}.", f"Give 1 to {most}.")
    if not 0 <= args.test_share <= 1:
        raise AvatarError("bad_request", f"--test-share is {args.test_share}.", "Give 0 to 1.")
    splits = preparing.read_splits(args.split) if args.split else args.test_share
    settings = Settings(args.out, args.head, args.every, args.size)
    result = preparing.prepare(args.input, settings, args.jobs, splits, console.progress)
    return {"store": args.out, **result, "seconds": console.seconds}
