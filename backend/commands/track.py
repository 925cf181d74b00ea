"""`track`: pictures to FLAME parameters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.export.atomic import check_writable
from backend.rendering.job import write_cameras
from backend.tracking.pictures import Pictures
from shared.errors import about

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
    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        with about(str(args.input)):
            tracked = engine.pipeline.track_frames(
                pictures.frames(), pictures.fps, console.progress
            )
        out.parent.mkdir(parents=True, exist_ok=True)
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
