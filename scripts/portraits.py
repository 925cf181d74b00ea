"""Portraits that may be learned from, and their fits."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from backend.data.held_out import learned
from shared.errors import AvatarError

_Read = TypeVar("_Read")


def pictures_asked_for(
    parser: argparse.ArgumentParser,
) -> tuple[argparse.Namespace, list[Path]]:
    """The command line's options, with a folder, and the portraits in it to learn from.

    Args:
        parser: Has the other options; ends the program where the folder holds no portraits.
    """
    parser.add_argument("folder", type=Path, help="portraits, *.jpg")
    options = parser.parse_args()
    try:
        return options, _learnt_from(options.folder)
    except FileNotFoundError as error:
        parser.error(str(error))


def _learnt_from(folder: Path) -> list[Path]:
    """The folder's *.jpg by name, without those that are held out.

    Raises:
        FileNotFoundError: There are none.
    """
    pictures = sorted(folder.glob("*.jpg"))
    if not pictures:
        raise FileNotFoundError(f"{folder} holds no *.jpg.")
    return learned(pictures)


def read_each(
    pictures: Sequence[Path], read: Callable[[bytes], _Read]
) -> Iterator[tuple[Path, _Read]]:
    """Every picture that can be read, with what was read; the others are told and left out.

    Args:
        pictures: Portraits.
        read: Of a file's bytes; may raise `AvatarError`.
    """
    for picture in pictures:
        print(picture.name, flush=True)
        try:
            yield picture, read(picture.read_bytes())
        except AvatarError as error:
            print(f"left out: {error.message}", flush=True)
