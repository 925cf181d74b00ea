"""`reenact`: one person's portrait, another person's motion."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines, framing
from backend.rendering import batch
from backend.tracking.pictures import Pictures
from shared.atomic import check_writable
from shared.errors import about
from shared.photos import Photo

from . import options
from .console import Console

FRAMINGS = ("keep", "crop")
BLACK = (0.0, 0.0, 0.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `reenact`."""
    parser.add_argument("source", type=Path, help="portrait of whom to show, or a .savatar file")
    parser.add_argument("driving", type=Path, help="a video, a folder of images or an image")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for one PNG per driving frame"
    )
    parser.add_argument(
        "--framing",
        choices=FRAMINGS,
        default="keep",
        help="keep: size and framing of the driving frames (default); crop: 512x512 portrait",
    )
    parser.add_argument(
        "--mp4",
        action="store_true",
        help="also write OUT/reenact.mp4, with the sound of the driving video",
    )
    options.add_create(parser)
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Tracks the driving frames, makes the avatar, renders it on black."""
    pictures = Pictures.open(args.driving)
    source = options.read_file(args.source)
    outputs = [args.out / name for name in pictures.names]
    options.check_overwrites(outputs, [args.source, *pictures.files])
    check_writable(outputs[0])
    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        pipeline, notes = engine.pipeline, list(pictures.notes)
        if args.source.suffix == ".savatar":
            avatar = engine.open(args.source)
        else:
            chosen = engine.create_options(**options.create_settings(args))
            photo = Photo(str(args.source), source)
            (portrait,) = pipeline.portraits([photo], chosen, console.progress)
            notes += portrait.notes
            avatar = pipeline.create_from(portrait, chosen, console.progress)
        with about(str(args.driving)):
            tracked = pipeline.track_frames(pictures.frames(), pictures.fps, console.progress)
        batch.check_head(tracked.track, avatar.source)
        track = pipeline.motion(avatar, tracked)
        if args.framing == "crop":
            cameras = framing.portrait_framing(avatar, tracked.cameras)
        else:
            cameras = pipeline.kept_framing(avatar, tracked, console.progress)
        files = []
        for index, name in enumerate(pictures.names):
            console.progress("rendering frames", index, len(pictures))
            picture = pipeline.picture(avatar, track.frame(index), cameras[index]).rgba8()
            files.append(args.out / name)
            batch.write_on(files[-1], picture, BLACK)
        console.progress("rendering frames", len(pictures), len(pictures))
        result: dict[str, Any] = {"png": files, "framing": args.framing}
        if args.mp4:
            result["mp4"] = batch.write_video(
                args.out / "reenact.mp4",
                files,
                track.fps,
                BLACK,
                console.progress,
                pictures.path if pictures.is_video else None,
            )
        return {
            **result,
            "fps": track.fps,
            "frames_without_face": tracked.missing,
            "notes": [*notes, *tracked.notes],
            "image": pipeline.image_kind,
            "seconds": console.seconds,
        }
