"""Options that several commands have, and what they mean."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

from shared.errors import AvatarError
from shared.messages import ABLATIONS
from shared.os_errors import os_error
from shared.tracks import ANGLES, Options


def add_engine(parser: argparse.ArgumentParser) -> None:
    """`--preset`, `--device` and `--weights`."""
    parser.add_argument("--preset", default="open", help="network preset (default: open)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument(
        "--weights",
        type=Path,
        help="the network's checkpoint; none: without anything trained (default: the preset's own)",
    )


def add_create(parser: argparse.ArgumentParser) -> None:
    """How an avatar is made."""
    parser.add_argument(
        "--face", type=int, help="which face: 1 is the first from the left, 0 the largest (default)"
    )
    parser.add_argument("--iterations", type=int, help="personalisation steps")


def create_settings(args: argparse.Namespace) -> dict[str, int]:
    """Keyword arguments of `CreateOptions` out of `add_create`'s options."""
    given = {"face": args.face, "iterations": args.iterations}
    return {name: value for name, value in given.items() if value is not None}


def add_track(parser: argparse.ArgumentParser) -> None:
    """What the user may say about a track file."""
    parser.add_argument("--fps", type=float, help="frames per second, in place of the file's")
    parser.add_argument(
        "--angles", choices=ANGLES, default="auto",
        help="unit of a CSV's head and eye angles (default: auto, and said)",
    )  # fmt: skip
    parser.add_argument("--clip", default="", help="which clip, of a file that holds several")
    parser.add_argument(
        "--head", help="head of the file's codes, in place of the format's (flame2020, flame2023)"
    )


def track_options(args: argparse.Namespace) -> Options:
    """`add_track`'s options.

    Raises:
        AvatarError: `bad_request` for a rate that is none.
    """
    if args.fps is not None and not 0 < args.fps < 1000:
        raise AvatarError(
            "bad_request",
            f"--fps is {args.fps:g}; expected a number above 0 and below 1000.",
            "Correct it.",
        )
    return Options(args.fps, args.angles, args.clip, args.head)


def add_frames(parser: argparse.ArgumentParser) -> None:
    """`--frames`, `--ablate`, `--name`."""
    parser.add_argument("--frames", metavar="A-B", help="only these frames, counted from 1")
    parser.add_argument("--name", help="file names are NAME_0001... (default: the avatar's)")
    parser.add_argument(
        "--ablate",
        action="append",
        default=[],
        choices=ABLATIONS,
        help="switch a part of the network off; may be given several times",
    )


def frame_range(text: str | None, first: int, last: int) -> range:
    """The frame numbers that `--frames` chooses.

    Args:
        text: `A-B`, `A` or None for all.
        first: Number of the first frame there is.
        last: Number of the last one.

    Raises:
        AvatarError: `bad_request` when it is not a range within first..last.
    """
    if text is None:
        return range(first, last + 1)
    match = re.fullmatch(r"(-?\d+)(?:-(-?\d+))?", text.strip())
    begin = int(match[1]) if match else 0
    end = int(match[2] or match[1]) if match else 0
    if match is None or not first <= begin <= end <= last:
        raise AvatarError(
            "bad_request",
            f"--frames {text} is not a range of the frames {first}-{last}.",
            f"Give for instance --frames={first}-{last}.",
        )
    return range(begin, end + 1)


def check_overwrites(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuses to write over what is read.

    Raises:
        AvatarError: `bad_request`, naming the first such file.
    """
    read = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in read:
            raise AvatarError(
                "bad_request",
                f"{path} would be written over, but is read here.",
                "Give another folder with --out.",
            )


def background(text: str) -> tuple[float, float, float]:
    """A colour given as `#rrggbb`."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a colour like #202020")
    red, green, blue = bytes.fromhex(text[1:])
    return red / 255, green / 255, blue / 255


def read_file(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        AvatarError: When it cannot be read, see `os_error`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise os_error(error, path) from error
