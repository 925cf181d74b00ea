"""`drive`: an avatar and a track to PLY files, quick PNG frames or an MP4."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.rendering import batch
from shared.messages import AXES

from . import options
from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `drive`."""
    parser.add_argument("avatar", type=Path, help="a .savatar file")
    parser.add_argument(
        "track",
        type=Path,
        nargs="?",
        help="a track of any kind that convert-tracks reads (default: the portrait's own pose)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--ply", action="store_true", help="write PLY files (the default)")
    parser.add_argument("--png", action="store_true", help="write frames in the portrait's camera")
    parser.add_argument("--mp4", action="store_true", help="write a video (and its frames)")
    parser.add_argument("--axes", choices=AXES, default="blender", help="axes of the PLY files")
    parser.add_argument(
        "--sh",
        type=int,
        choices=(0, 3),
        default=0,
        help="degree of the PLY files' spherical harmonics; 3 adds 45 zeros, which INRIA's viewer, "
        "SIBR and older readers for Unity insist on (default: 0)",
    )
    parser.add_argument("--compact", action="store_true", help="leave masked Gaussians out")
    options.add_track(parser)
    options.add_frames(parser)
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Writes the files."""
    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        avatar = engine.open(args.avatar)
        track, notes = avatar.source, []
        if args.track:
            from backend.head.foreign_tracks import load_track  # torch: not for --help

            source = avatar.source.head
            track, notes = load_track(args.track, source, options.track_options(args))
        numbers = options.frame_range(args.frames, 1, len(track))
        shots = batch.Shots(
            avatar=avatar,
            avatar_hash=engines.avatar_hash(args.avatar)[:16],
            track=track.slice(numbers.start - 1, numbers.stop - 1),
            frames=tuple(numbers),
            out=args.out,
            name=args.name or args.avatar.stem,
            ablate=frozenset(args.ablate),
        )
        result: dict[str, Any] = {}
        if args.ply or not (args.png or args.mp4):
            result["ply"] = batch.export_ply(
                engine.pipeline, shots, args.axes, args.compact, console.progress, args.sh
            )
        if args.png or args.mp4:
            rendered = batch.render_png(
                engine.pipeline, shots, [avatar.camera], True, console.progress
            )
            result["png"], result["resumed"] = rendered.files, rendered.resumed
            if args.mp4:
                video = args.out / f"{shots.name}.mp4"
                result["mp4"] = batch.write_video(
                    video, rendered.files, track.fps, (0, 0, 0), console.progress
                )
        if notes:
            result["notes"] = notes
        return {**result, "image": engine.pipeline.image_kind, "seconds": console.seconds}
