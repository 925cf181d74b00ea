"""`convert-tracks`: other programs' tracks into ours; GAGAvatar's data sets into stores."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.data import convert_tracks, tracks
from shared.atomic import check_writable
from shared.tracks import EXTENSIONS, FORMATS, RIG_HEAD, read

from . import options
from .console import Console

_FPS = 25.0
_FORMATS = "\n".join(f"  {kind.named}: {kind.export}" for kind in FORMATS)
_EPILOG = f"""With --out NEW.flame.npz a track of any of these kinds is read, whatever it is called:
{_FORMATS}
docs/tracks.md says how each is recognised and what is lost.
With another --out, GAGAvatar's optim.pkl or smoothed.pkl becomes tracks.safetensors, and a folder
with one of them and img_lmdb a store."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `convert-tracks`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    ends = ", ".join(EXTENSIONS)
    parser.add_argument("input", type=Path, help=f"a track ({ends}), a folder, or GAGAvatar's data")
    parser.add_argument(
        "--out", type=Path, required=True,
        help="NEW.flame.npz; or tracks.safetensors, or a folder: a whole store",
    )  # fmt: skip
    options.add_track(parser)
    parser.add_argument(
        "--to", choices=[RIG_HEAD], help="translate FLAME's codes to ARKit weights, by FLAME's file"
    )
    parser.add_argument("--images", type=Path, help="LMDB folder (default: INPUT/img_lmdb)")
    parser.add_argument("--split", type=Path, help="default: INPUT/dataset.json, else all test")
    parser.add_argument(
        "--size", type=int, default=512, help="of the pictures, for tracks alone (default: 512)"
    )
    parser.add_argument(
        "--link", action="store_true", help="share the pictures' file instead of copying it"
    )


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Converts."""
    if args.out.suffix.lower() == ".npz":
        return _track(args, console)
    head, fps = args.head or tracks.HEAD, args.fps or _FPS
    whole = args.input.is_dir() or args.images is not None
    if whole:
        folder = args.input if args.input.is_dir() else args.input.parent
        sources = convert_tracks.Sources.of(folder, args.images, args.split)
        if args.input.is_file():
            sources = convert_tracks.Sources(args.input, sources.images, sources.split)
        report = convert_tracks.convert_folder(
            sources, args.out, head, fps, console.progress, args.link
        )
    else:
        report = convert_tracks.convert_file(
            args.input, args.out, head, args.size, fps, console.progress
        )
    kind = "store" if whole else "tracks"
    return {kind: args.out, **convert_tracks.report_json(report), "seconds": console.seconds}


def _track(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """One track of any format as a `.flame.npz`."""
    from backend.head.foreign_tracks import to_open, with_own_joint

    check_writable(args.out)
    console.phase("reading")
    found = read(args.input, options.track_options(args))
    track, notes = (to_open if args.to else with_own_joint)(found)
    track.save(args.out)
    facts = {"format": found.format, "frames": len(track), "fps": track.fps, "head": track.head}
    return {"track": args.out, **facts, "notes": notes, "seconds": console.seconds}
