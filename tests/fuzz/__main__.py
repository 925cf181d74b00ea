"""The command line of the fuzz."""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from .campaign import ROOT, Campaign
from .rounds import readers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build_addon.py fuzz",
        description="Damaged and hostile files for every reader: each must give a value or an "
        "AvatarError that names the file, in time, in bounds, and without touching other files.",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=30.0, help="for all readers together")
    length.add_argument("--rounds", type=int, help="of each reader, instead of a time")
    parser.add_argument("--seed", type=int, help="what the damage follows from; else random")
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--only", nargs="+", choices=sorted(readers()), metavar="READER",
                        help=f"some of {', '.join(sorted(readers()))}")  # fmt: skip
    parser.add_argument("--keep", type=Path, default=ROOT / "dist" / "fuzz",
                        help="folder for the files of failed rounds")  # fmt: skip
    return parser


def main(arguments: list[str]) -> int:
    """One line per reader, then its failures; 1 where there are some."""
    given = _parser().parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # pyright: ignore
    seed = random.randrange(1 << 31) if given.seed is None else given.seed
    given.keep.mkdir(parents=True, exist_ok=True)
    names, failed = given.only or sorted(readers()), 0
    print(f"seed {seed}", flush=True)
    share = given.minutes * 60 / len(names) if given.rounds is None else float("inf")
    for name in names:
        last = sys.maxsize if given.rounds is None else given.first + given.rounds
        until = time.monotonic() + share
        tally = Campaign(name, seed, given.keep.resolve(), given.first, last, until).run()
        print(tally.line(name), flush=True)
        for failure in tally.failures:
            print(f"FAILED {failure}\n", flush=True)
        failed += len(tally.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
