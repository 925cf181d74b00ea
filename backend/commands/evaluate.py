"""`evaluate`: metrics of results folders, or of a network on a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.configs.presets import presets
from backend.evaluation.metrics import METRICS
from backend.evaluation.paper import tables
from shared.errors import AvatarError

from .console import Console

PROTOCOLS = ("self", "cross", "vfhq", "hdtf")
SUITES = ("clips", "portraits")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `evaluate`."""
    parser.add_argument(
        "what",
        metavar="CONFIG|RESULTS|FOLDER",
        help="a preset, a folder of results to score, or with --suite a folder of videos or photos",
    )
    parser.add_argument(
        "--suite",
        choices=SUITES,
        help="clips: the first frame of every video below FOLDER makes an avatar, the others drive "
        "and judge it, beside an unmoving copy of that frame and a 2D warp of it; portraits: every "
        "tenth photo of FOLDER makes one that is judged by that photo, also after a round trip",
    )
    parser.add_argument("--data", type=Path, help="with CONFIG: the store whose frames it animates")
    parser.add_argument("--weights", type=Path, help="with CONFIG: its checkpoint (.safetensors)")
    parser.add_argument("--split", default="test", help="split of the store (default: test)")
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        help="self or cross: one task; vfhq or hdtf: both, with that data set's number of frames "
        "and beside its table (default: both tasks, every frame)",
    )
    parser.add_argument(
        "--limit",
        type=int,
        help="at most so many frames per clip (--suite clips: 24), or photos (--suite portraits)",
    )
    parser.add_argument(
        "--clip-list", type=Path, help="with --protocol hdtf: the names of its test clips"
    )
    parser.add_argument(
        "--metrics", nargs="+", choices=METRICS, help="default: all that can be had here"
    )
    parser.add_argument(
        "--table", type=int, action="append", choices=[t.number for t in tables()],
        help="of the paper, to print beside (default: 1, for hdtf 2); may be given several times",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument(
        "--out", type=Path, help="with CONFIG or --suite: the results folder; else: the reports' "
        "(default: the results folder)"
    )  # fmt: skip


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Makes the pictures if asked to, scores them and writes the reports."""
    from backend.evaluation.run import make_results, score_folder  # torch takes seconds to import

    made: dict[str, Any] = {}
    if args.suite is not None:
        made, folder = _suite(args, console), args.out
        out = folder
    elif Path(args.what).is_dir():
        folder, out = Path(args.what), args.out or Path(args.what)
    else:
        folder = out = _folder_to_make(args)
        made = make_results(
            args.what, args.weights, args.data, folder, args.split, args.protocol, args.limit,
            args.clip_list, args.device, console.progress,
        )  # fmt: skip
    numbers = args.table or [2 if args.protocol == "hdtf" else 1]
    task = args.protocol if args.protocol in ("self", "cross") else None
    reports = score_folder(folder, out, task, args.metrics, numbers, args.device, console.progress)
    return {**made, **reports, "seconds": console.seconds}


def _suite(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Makes the pictures of a suite."""
    if args.out is None:
        raise AvatarError(
            "bad_request",
            f"--suite {args.suite} needs --out, the results folder.",
            "Give it; docs/evaluation.md has the commands.",
        )
    from backend.evaluation.clips import FRAMES, write_clips
    from backend.evaluation.portraits import write_portraits

    folder = Path(args.what)
    with engines.load_engine("open", args.device, args.weights, console.phase) as engine:
        pipeline, options = engine.pipeline, engine.create_options()
        if args.suite == "portraits":
            return write_portraits(
                pipeline, folder, args.out, options, args.limit, console.progress
            )
        limit = FRAMES if args.limit is None else args.limit
        return write_clips(pipeline, folder, args.out, options, limit, console.progress)


def _folder_to_make(args: argparse.Namespace) -> Path:
    if args.what not in presets() and not args.what.endswith(".toml"):
        raise AvatarError(
            "bad_request",
            f"{args.what!r} is neither a preset nor a folder of results.",
            f"Presets are {', '.join(presets())}.",
        )
    if args.data is None or args.out is None:
        raise AvatarError(
            "bad_request",
            "A preset needs --data, the store that it animates, and --out, the results folder.",
            "Give both; docs/evaluation.md has the commands.",
        )
    return args.out
