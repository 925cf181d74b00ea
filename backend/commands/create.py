"""`create`: a portrait to a .savatar."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.export.arrays import gaussian_counts

from . import options
from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `create`."""
    parser.add_argument("image", type=Path, help="the portrait")
    parser.add_argument("--out", type=Path, help="the .savatar file (default: beside the portrait)")
    options.add_create(parser)
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Makes and saves the avatar."""
    image = options.read_file(args.image)
    out = args.out or args.image.with_suffix(".savatar")
    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        chosen = engine.create_options(**options.create_settings(args))
        portrait = engine.pipeline.portrait(image, chosen, console.progress)
        avatar = engine.pipeline.create_from(portrait, chosen, console.progress)
        avatar.save(out)
        counts = gaussian_counts(engine.pipeline.drive(avatar, avatar.source))
        return {
            "avatar": out,
            "gaussians": counts,
            "notes": list(portrait.notes),
            "seconds": console.seconds,
        }
