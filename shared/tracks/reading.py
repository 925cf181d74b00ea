"""`read`: a track out of any file that is read, or out of a folder of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import AvatarError
from .containers import EXTENSIONS, Table, damaged, load
from .formats import FORMATS, Format
from .joined import beside, joined, number_of
from .options import Options
from .posed import since_the_first
from .read_track import ReadTrack

_EMOCA = ("shape", "exp", "pose")
_DATA_SET = "transforms.json"


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
    path, content = _opened(path)
    kind = next((kind for kind in FORMATS if kind.recognises(content)), None)
    if kind is None:
        raise unknown(path, content)
    track = kind.read(path, content, options)
    if kind.a_file_a_frame and len(track) == 1 and number_of(path) is not None:
        track = _with_those_beside(path, track, kind, options)
    if kind.by_camera:
        track = since_the_first(track)
    return replace(track, format=kind.title)


def unknown(path: Path, content: Any) -> AvatarError:
    """The one error for files that are not read: what is there, what is read, how to export it."""
    ways = "; ".join(f"{kind.title}: {kind.export}" for kind in FORMATS if kind.title not in _FIRST)
    first = " and ".join(kind.named for kind in FORMATS if kind.title in _FIRST)
    return AvatarError(
        "unsupported_format",
        f"{path.name} is not a track that SplitAvatar reads ({_held(content)}).",
        f"Tracks are {first}, and what these export: {ways}. docs/tracks.md tells more.",
    )


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


def _opened(path: Path) -> tuple[Path, Any]:
    if not path.is_dir():
        return path, load(path)
    if (path / _DATA_SET).is_file():
        return path / _DATA_SET, load(path / _DATA_SET)
    codes = {name: path / f"{name}.npy" for name in _EMOCA}
    if all(file.is_file() for file in codes.values()):
        return path, {name: load(file) for name, file in codes.items()}
    files = [p for p in sorted(path.iterdir()) if p.suffix.lower() in EXTENSIONS]
    numbered = [p for p in files if number_of(p) is not None]
    if not numbered:
        raise damaged(path, "is a folder without tracks: no file of a frame with a number")
    return numbered[0], load(numbered[0])


def _with_those_beside(path: Path, track: ReadTrack, kind: Format, options: Options) -> ReadTrack:
    """The frames of all files beside one that are of the same kind."""
    parts: dict[int, ReadTrack] = {}
    for file in beside(path):
        content = load(file)
        if kind.recognises(content):
            part = kind.read(file, content, options)
            parts[number_of(file) or 0] = part
    if len(parts) < 2:
        return track
    numbers = sorted(parts)
    whole = joined([parts[number] for number in numbers], numbers, options)
    return whole.noted(f"{len(parts)} files of a frame each, {path.name} and those beside it.")
