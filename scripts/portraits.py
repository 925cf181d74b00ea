"""Which portraits of a folder may be learned from."""

from __future__ import annotations

from pathlib import Path

from backend.evaluation.portraits import HELD_OUT


def learnt_from(folder: Path) -> list[Path]:
    """The folder's *.jpg by name, without those that are held out.

    Raises:
        FileNotFoundError: There are none.
    """
    pictures = sorted(folder.glob("*.jpg"))
    if not pictures:
        raise FileNotFoundError(f"{folder} holds no *.jpg.")
    return [picture for n, picture in enumerate(pictures) if n % HELD_OUT]
