"""`read`: a track out of any file that is read, or out of a folder of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import AvatarError
from .checks import bad_key
from .containers import Table
from .folders import content_of, frames_beside, opened
from .formats import FORMATS, Format
from .joined import joined
from .options import Options
from .posed import since_the_first
from .read_track import ReadTrack


def read(path: Path, options: Options | None = None) -> ReadTrack:
    """The track in a file, whatever it is called, or in a folder.

    Where a tracker writes a file a frame, any one of them stands for all beside it.

    Args:
        path: A file of one of `FORMATS`, or a folder: of files of a frame each, LAM's with its
            transforms.json, or EMOCA's with shape.npy, exp.npy and pose.npy.
        options: What the user says about it.

    Raises:
        AvatarError: `unsupported_format` with the list of what is read and how to export it;
            `bad_file` with file, key, found and expected; `bad_request` for a clip that is not
            there.
    """
    options = options or Options()
    path, content = opened(path)
    kind = next((kind for kind in FORMATS if kind.recognises(content)), None)
    if kind is None:
        raise unknown(path, content)
    track = kind.read(path, content, options)
    if kind.a_file_a_frame and len(track) == 1:
        track = _with_those_beside(path, track, kind, options)
    if kind.by_camera:
        track = since_the_first(track)
    return replace(track, format=kind.title)


def unknown(path: Path, content: Any) -> AvatarError:
    """The one error for files that are not read: what is there, what is read, how to export it.

    A file that lacks one name of those that a format is known by is a malformed one of it.
    """
    if isinstance(content, Mapping):
        for kind in FORMATS:
            needed = getattr(kind.module, "KEYS", frozenset())
            missing = sorted(needed - content.keys())
            if len(missing) == 1 and len(needed) >= _TELLING:
                found = f"nothing ({_held(content)})"
                return bad_key(
                    path, missing[0], found, f"an array of this name, as of {kind.title}"
                )
    ways = "; ".join(f"{kind.title}: {kind.export}" for kind in FORMATS if kind.title not in _FIRST)
    first = " and ".join(kind.named for kind in FORMATS if kind.title in _FIRST)
    return AvatarError(
        "unsupported_format",
        f"{path.name} is not a track that SplitAvatar reads ({_held(content)}).",
        f"Tracks are {first}, and what these export: {ways}. docs/tracks.md tells more.",
    )


_TELLING = 4
"""Names that a format must be known by for a file with all but one to be one of it."""

_FIRST = ("ARKit JSON", ".flame.npz")


def _held(content: Any) -> str:
    """A few words on what a file holds."""
    if isinstance(content, bytes):
        return "it is neither text nor numbers"
    if isinstance(content, Table) and len(content.columns) == 1:
        return "it is text"
    if isinstance(content, Table):
        return "a CSV of the columns " + ", ".join(content.columns[:6])
    if isinstance(content, Mapping):
        names = [str(name) for name in content]
        more = ", ..." if len(names) > 8 else ""
        return f"it holds {', '.join(names[:8])}{more}" if names else "it holds nothing"
    shape = getattr(content, "shape", None)
    return f"an array of shape {shape}" if shape is not None else f"a {type(content).__name__}"


def _with_those_beside(path: Path, track: ReadTrack, kind: Format, options: Options) -> ReadTrack:
    """The frames of all files beside one that are of the same kind."""
    parts: dict[int, ReadTrack] = {}
    for number, frame in frames_beside(path).items():
        content = content_of(frame)
        if kind.recognises(content):
            parts[number] = kind.read(frame, content, options)
    if len(parts) < 2:
        return track
    whole = joined(list(parts.values()), list(parts), options)
    return whole.noted(f"{len(parts)} files of a frame each, {path.name} and those beside it.")
