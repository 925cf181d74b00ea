"""What the server and the commands work with; torch is imported only when it is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Engine:
    """The parts of the pipeline that the server and the commands use.

    Args:
        pipeline: A `backend.avatar.pipeline.Pipeline`.
        create_options: `backend.avatar.create.CreateOptions`.
        load_avatar: `backend.avatar.file.Avatar.load`.
    """

    pipeline: Any
    create_options: Callable[..., Any]
    load_avatar: Callable[[Path], Any]

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.pipeline.close()

    def open(self, path: Path) -> Any:
        """Reads an avatar and checks that it fits this head and network."""
        avatar = self.load_avatar(path)
        self.pipeline.check(avatar)
        return avatar


def load_engine(
    preset: str, device: str, weights: Path | None, phase: Callable[[str], None]
) -> Engine:
    """Imports torch and builds the pipeline: seconds, so each phase is told."""
    phase("importing")
    from backend.avatar.create import CreateOptions
    from backend.avatar.file import Avatar
    from backend.avatar.pipeline import Pipeline

    phase("loading")
    return Engine(Pipeline(preset, device, weights), CreateOptions, Avatar.load)


def avatar_hash(path: Path) -> str:
    """SHA-256 of an avatar's file; its first 16 digits are the avatar's id."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
