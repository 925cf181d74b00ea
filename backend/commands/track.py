"""`track`: pictures to FLAME parameters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.rendering.job import write_cameras
from backend.tracking.pictures import Pictures
from shared.atomic import check_writable
from shared.errors import AvatarError, about

from . import options
from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `track`."""
    parser.add_argument("input", type=Path, help="an image, a video or a folder of images")
    parser.add_argument("--out", type=Path, help="the .flame.npz file (default: beside the input)")
    parser.add_argument("--cameras", type=Path, help="also write the pictures' cameras (JSON)")
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Tracks and writes the file."""
    pictures = Pictures.open(args.input)
    out = args.out or args.input.with_name(args.input.stem + ".flame.npz")
    check_writable(out)
    if args.cameras is not None:
        check_writable(args.cameras)
        _check_one_size(pictures)
    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        with about(str(args.input)):
            tracked = engine.pipeline.track_frames(
                pictures.frames(), pictures.fps, console.progress
            )
        tracked.track.save(out)
        result: dict[str, Any] = {
            "track": out,
            "frames": len(tracked.track),
            "fps": tracked.track.fps,
        }
        if args.cameras is not None:
            write_cameras(args.cameras, tracked.cameras)
            result["cameras"] = args.cameras
        return {
            **result,
            "frames_without_face": tracked.missing,
            "notes": [*pictures.notes, *tracked.notes],
            "seconds": console.seconds,
        }


def _check_one_size(pictures: Pictures) -> None:
    """Refuses what a camera file, which has one size, cannot tell; before the work."""
    first: tuple[int, int] | None = None
    for name, frame in zip(pictures.names, pictures.frames(), strict=False):
        size = (frame.shape[1], frame.shape[0])
        first = first or size
        if size != first:
            raise AvatarError(
                "bad_request",
                f"{pictures.path} holds pictures of {first[0]}x{first[1]} and of "
                f"{size[0]}x{size[1]} pixels ({Path(name).stem}), and a camera file has one size.",
                "Leave --cameras out, or bring the pictures to one size.",
            )
