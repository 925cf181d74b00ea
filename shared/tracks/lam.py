"""LAM: VHAP's export as a data set, transforms.json with one npz of parameters a frame."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import vhap
from .checks import Values, bad_key
from .containers import load
from .joined import joined
from .options import Options
from .posed import with_identity
from .read_track import ReadTrack

_FRAME_FILE = "flame_param_path"
IDENTITY_FILE = "canonical_flame_param.npz"


def recognises(content: Any) -> bool:
    """JSON whose frames name files of parameters."""
    frames = content.get("frames") if isinstance(content, Mapping) else None
    if not isinstance(frames, list):
        return False
    return any(isinstance(frame, dict) and _FRAME_FILE in frame for frame in frames)


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Reads the parameters of each moment once, however many cameras saw it."""
    moments: dict[str, float] = {}
    for number, frame in enumerate(content["frames"]):
        name = frame.get(_FRAME_FILE) if isinstance(frame, dict) else None
        if not isinstance(name, str):
            raise bad_key(path, f"frames[{number}].{_FRAME_FILE}", name, "the path of an .npz")
        moment = frame.get("timestep_index", number)
        if not isinstance(moment, (int, float)):
            raise bad_key(path, f"frames[{number}].timestep_index", moment, "a number")
        moments.setdefault(name, moment)
    parts = [
        vhap.read(path.parent / name, load(path.parent / name), options)
        for name in sorted(moments, key=lambda name: moments[name])
    ]
    track = joined(parts, None, options)
    identity = path.parent / IDENTITY_FILE
    if identity.is_file():
        track = with_identity(track, Values(identity, load(identity)), "shape")
    return track
