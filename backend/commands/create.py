"""`create`: a portrait, or a few photos of one person, to a .savatar."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.export.arrays import gaussian_counts
from backend.tracking.photos import MOST_PHOTOS, Photo, check_photos
from shared.errors import AvatarError

from . import options
from .console import Console

_FEWEST = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `create`."""
    parser.add_argument("image", type=Path, nargs="?", help="the portrait")
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        metavar="PHOTO",
        help=f"instead of one portrait {_FEWEST} to {MOST_PHOTOS} photos of one person: the first is the "
        "portrait, with its hair, shoulders, pose and camera; the others tell the head's shape "
        "with it, and show what it hides: sides, ears, teeth, eyes, lids",
    )
    parser.add_argument(
        "--out", type=Path, help="the .savatar file (default: beside the portrait or first photo)"
    )
    options.add_create(parser)
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Makes and saves the avatar."""
    paths = _chosen(args)
    photos = [Photo(str(path), options.read_file(path)) for path in paths]
    check_photos(photos)
    out = args.out or paths[0].with_suffix(".savatar")
    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        chosen = engine.create_options(**options.create_settings(args))
        portraits = engine.pipeline.portraits(photos, chosen, console.progress)
        portrait, *others = portraits
        avatar = engine.pipeline.create_from(portrait, chosen, console.progress, others)
        avatar.save(out)
        counts = gaussian_counts(engine.pipeline.drive(avatar, avatar.source))
        return {
            "avatar": out,
            "gaussians": counts,
            "notes": [note for portrait in portraits for note in portrait.notes],
            "seconds": console.seconds,
        }


def _chosen(args: argparse.Namespace) -> list[Path]:
    """The photos' paths, the main one first.

    Raises:
        AvatarError: `bad_request` unless there is either a portrait or --photos, at least two.
    """
    if (args.image is None) == (args.photos is None):
        found = "neither" if args.image is None else "both"
        raise AvatarError(
            "bad_request",
            f"Of a portrait and --photos {found} was given; expected one of them.",
            "Use `create PHOTO`, or `create --photos PHOTO PHOTO ...`.",
        )
    if args.photos is None:
        return [args.image]
    if len(args.photos) < _FEWEST:
        raise AvatarError(
            "bad_request",
            f"--photos names {len(args.photos)} photo; expected {_FEWEST} to {MOST_PHOTOS}.",
            "Use `create PHOTO` for one photo.",
        )
    return args.photos
