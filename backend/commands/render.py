"""`render`: frames of a job to files, resumable; what farms run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.rendering import batch
from backend.rendering.job import RenderSettings, from_files, read_job

from . import options
from .console import Console

_EPILOG = """A job folder holds job.json, an object of
  avatar       path of the .savatar file (all paths are relative to the folder)
  track        path of the .flame.npz
  cameras      path of a camera file; absent: the portrait's camera
  first_frame  number of the track's first frame (default 1)
  name, mp4, background (three numbers 0..1), ablate (names): all optional
A camera file is a JSON object of width, height, viewmats and Ks, with one 4x4 viewmat (head space
to OpenCV camera, metres) and one 3x3 K (pixels) per frame, or one for all.
Finished frames of the same content are kept, so several machines can render ranges of one job."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `render`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("job", type=Path, help="a job folder, or a .savatar file")
    parser.add_argument("track", type=Path, nargs="?", help="the track of a .savatar file")
    parser.add_argument("--camera", type=Path, help="camera file (default: the portrait's camera)")
    parser.add_argument("--out", type=Path, help="folder for the frames (a job's: JOB/frames)")
    parser.add_argument("--mp4", action="store_true", help="also write an MP4 of these frames")
    parser.add_argument(
        "--background", type=options.background, help="colour behind the MP4, like #202020"
    )
    parser.add_argument("--no-resume", action="store_true", help="render finished frames anew")
    options.add_frames(parser)
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Renders what is not finished."""
    job = _job(args)
    numbers = options.frame_range(
        args.frames, job.first_frame, job.first_frame + len(job.track) - 1
    )
    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        avatar = engine.open(job.avatar)
        start = numbers.start - job.first_frame
        stop = start + len(numbers)
        cameras = job.cameras or (avatar.camera,)
        shots = batch.Shots(
            avatar=avatar,
            avatar_hash=engines.avatar_hash(job.avatar)[:16],
            track=job.track.slice(start, stop),
            frames=tuple(numbers),
            out=job.out,
            name=job.name,
            ablate=job.ablate,
            numbered_to=job.first_frame + len(job.track) - 1,
        )
        views = cameras if len(cameras) == 1 else cameras[start:stop]
        rendered = batch.render_png(
            engine.pipeline, shots, views, not args.no_resume, console.progress
        )
        result: dict[str, Any] = {"png": rendered.files, "resumed": rendered.resumed}
        if job.mp4:
            result["mp4"] = batch.write_video(
                job.out / f"{job.name}.mp4",
                rendered.files,
                job.track.fps,
                job.background,
                console.progress,
            )
        return {**result, "image": engine.pipeline.image_kind, "seconds": console.seconds}


def _job(args: argparse.Namespace) -> RenderSettings:
    if args.job.is_dir():
        job = read_job(args.job)
    else:
        job = from_files(args.job, args.track, args.camera, args.out)
    return job.changed(
        out=args.out,
        name=args.name,
        mp4=args.mp4 or None,
        background=args.background,
        ablate=frozenset(args.ablate) or None,
    )
