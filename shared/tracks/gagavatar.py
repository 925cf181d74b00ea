"""GAGAvatar_track: a pickle {CLIP_NUMBER: parameters}, FLAME 2020; the head's motion is a camera.

Theirs: world units are five times a metre; a camera is a row-vector [R|T], x_cam = x_world R + T,
with +X left, +Y up and +Z forward. posecode is a global rotation and the jaw, eyecode the left and
the right eye.

Source: baseline.md, Camera and Tracking.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import AvatarError
from ..flame import EXPRESSION_SIZE
from .checks import Values
from .joined import joined
from .options import Options
from .posed import FACING, FLAME_2020, flame_track, motions, with_identity
from .read_track import ReadTrack

UNITS_PER_METRE = 5.0

_KEYS = {"shapecode", "expcode", "posecode", "eyecode", "transform_matrix"}
_ENOUGH = 3
"""Of these: a record that lacks one is a malformed one."""


def recognises(content: Any) -> bool:
    """Records by CLIP_NUMBER."""
    if not isinstance(content, Mapping) or not content:
        return False
    record = next(iter(content.values()))
    return isinstance(record, Mapping) and len(record.keys() & _KEYS) >= _ENOUGH


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Reads the frames of one clip in the order of their numbers."""
    clips: dict[str, dict[int, str]] = {}
    for key in content:
        clip, _, number = str(key).rpartition("_")
        if not number.isdecimal():
            clip, number = str(key), "0"
        clips.setdefault(clip, {})[int(number)] = key
    if options.clip not in clips and (options.clip or len(clips) > 1):
        names = ", ".join(sorted(clips)[:8]) + (", ..." if len(clips) > 8 else "")
        raise AvatarError(
            "bad_request",
            f"{path.name} holds {len(clips)} clips ({names}); "
            + (f"none is {options.clip!r}." if options.clip else "a track is one of them."),
            "Choose one: --clip NAME, or Clip in the import's settings.",
        )
    frames = clips[options.clip] if options.clip in clips else next(iter(clips.values()))
    numbers = sorted(frames)
    parts = [_frame(Values(path, content[frames[n]], str(frames[n])), options) for n in numbers]
    return joined(parts, numbers, options)


def _frame(values: Values, options: Options) -> ReadTrack:
    pose, eyes = values.rows("posecode", 6), values.rows("eyecode", 6)
    camera = values.numbers("transform_matrix").reshape(-1)
    if len(camera) != 12:
        raise values.bad("transform_matrix", f"{len(camera)} numbers", "shape (3, 4)")
    camera = camera.reshape(3, 4)
    values.checked("transform_matrix", camera[:, :3])
    turn, shift = FACING @ camera[:, :3].T, FACING @ camera[:, 3] / UNITS_PER_METRE
    arrays = {
        "expression": values.codes("expcode", EXPRESSION_SIZE),
        "global_orient": pose[:, :3],
        "jaw_pose": pose[:, 3:],
        "leye_pose": eyes[:, :3],
        "reye_pose": eyes[:, 3:],
        "moved": motions(turn[None], shift[None]),
    }
    return with_identity(flame_track(FLAME_2020, options, arrays), values, "shapecode")
