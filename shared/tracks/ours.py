"""Our own `.flame.npz`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..flame import Track
from .options import Options
from .read_track import ReadTrack

_EITHER = ({"expression", "global_orient"}, {"fps", "head"})


def recognises(content: Any) -> bool:
    """By smplx's names."""
    return isinstance(content, Mapping) and any(content.keys() >= two for two in _EITHER)


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """As `Track.load`; rate and head as the user says, where they say."""
    track = ReadTrack(**vars(Track.load(path)))
    fps, head = options.fps or track.fps, options.head or track.head
    return replace(track, fps=fps, head=head)
