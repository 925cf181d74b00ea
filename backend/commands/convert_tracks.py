"""`convert-tracks`: GAGAvatar's tracks, or its whole data sets, into ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.data import convert_tracks, tracks

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `convert-tracks`."""
    parser.add_argument(
        "input", type=Path, help="optim.pkl, smoothed.pkl, or a folder with one and img_lmdb"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="tracks.safetensors, or a folder: a whole store"
    )
    parser.add_argument("--images", type=Path, help="LMDB folder (default: INPUT/img_lmdb)")
    parser.add_argument("--split", type=Path, help="default: INPUT/dataset.json, else all test")
    parser.add_argument(
        "--head", default=tracks.HEAD, help="head of the codes (default: %(default)s)"
    )
    parser.add_argument("--fps", type=float, default=25.0, help="of the clips (default: 25)")
    parser.add_argument(
        "--size", type=int, default=512, help="of the pictures, for tracks alone (default: 512)"
    )
    parser.add_argument(
        "--link", action="store_true", help="share the pictures' file instead of copying it"
    )


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Converts."""
    whole = args.input.is_dir() or args.images is not None
    if whole:
        folder = args.input if args.input.is_dir() else args.input.parent
        sources = convert_tracks.Sources.of(folder, args.images, args.split)
        if args.input.is_file():
            sources = convert_tracks.Sources(args.input, sources.images, sources.split)
        report = convert_tracks.convert_folder(
            sources, args.out, args.head, args.fps, console.progress, args.link
        )
    else:
        report = convert_tracks.convert_file(
            args.input, args.out, args.head, args.size, args.fps, console.progress
        )
    kind = "store" if whole else "tracks"
    return {kind: args.out, **convert_tracks.report_json(report), "seconds": console.seconds}
