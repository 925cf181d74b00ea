"""`create`: a portrait, or a few photos of one person, to a .savatar."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from backend.avatar import engines
from backend.export.arrays import gaussian_counts
from shared.atomic import check_writable
from shared.errors import AvatarError
from shared.photos import MOST_PHOTOS, Photo, check_photos

from . import options
from .console import Console
from .info import avatar_facts

_FEWEST = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `create`."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("image", type=Path, nargs="?", help="the portrait")
    source.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        metavar="PHOTO",
        help=f"instead of a portrait {_FEWEST} to {MOST_PHOTOS} photos of one person: the first is "
        "the portrait, with its hair, shoulders, pose and camera; the others help to tell the "
        "head's shape, and show what the first hides: sides, ears, teeth, lids, closed eyes",
    )
    parser.add_argument(
        "--out", type=Path, help="the .savatar file (default: beside the portrait or first photo)"
    )
    options.add_create(parser)
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Makes and saves the avatar."""
    photos = [_photo(args.image)] if args.photos is None else _photos(args.photos)
    out = args.out or _beside(photos[0])
    check_writable(out)
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


def _photos(paths: list[Path]) -> list[Photo]:
    """The files of `--photos`.

    Raises:
        AvatarError: `bad_request` for too few or too many, or one twice; `bad_file`.
    """
    if len(paths) < _FEWEST:
        raise AvatarError(
            "bad_request",
            f"--photos names {len(paths)} photo; expected {_FEWEST} to {MOST_PHOTOS}.",
            "Use `create PHOTO` for one photo.",
        )
    photos = [_photo(path) for path in paths]
    check_photos(photos)
    return photos


def _beside(photo: Photo) -> Path:
    """Where the avatar of a photo goes, where another photo's is not already.

    Raises:
        AvatarError: `bad_request`.
    """
    path = Path(photo.name).with_suffix(".savatar")
    if path.exists() and _photo_hash(path) != hashlib.sha256(photo.data).hexdigest():
        raise AvatarError(
            "bad_request",
            f"{path} is there already, and was not made of this photo.",
            "Say with --out where the new one goes.",
        )
    return path


def _photo_hash(path: Path) -> str:
    """Of the photo that an avatar was made of; empty for what is no avatar file."""
    try:
        return avatar_facts(path).get("image_hash", "")
    except AvatarError:
        return ""


def _photo(path: Path) -> Photo:
    return Photo(str(path), options.read_file(path))
