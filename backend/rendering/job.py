"""Render jobs and camera files on disk; `python -m backend render --help` describes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shared import packing
from shared.atomic import write_bytes
from shared.camera import Camera
from shared.errors import AvatarError, about, said
from shared.flame import Track
from shared.messages import ABLATIONS
from shared.restricted.damage import TEXT_DAMAGE
from shared.tracks import read

_JOB_KEYS = {
    "avatar": str,
    "track": str,
    "cameras": str,
    "first_frame": int,
    "name": str,
    "mp4": bool,
    "background": list,
    "ablate": list,
}
_REQUIRED = ("avatar", "track")


@dataclass(frozen=True)
class RenderSettings:
    """A job to render.

    Args:
        avatar: The .savatar file.
        track: Parameters of all frames.
        cameras: One per frame, one for all, or none: the portrait's.
        out: Folder for the frames.
        name: Files are NAME_0001.png and NAME.mp4.
        first_frame: Number of the track's first frame.
        mp4: Whether to write a video.
        background: sRGB 0..1 behind the video.
        ablate: Parts of the network switched off.
    """

    avatar: Path
    track: Track
    cameras: tuple[Camera, ...]
    out: Path
    name: str
    first_frame: int = 1
    mp4: bool = False
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ablate: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if len(self.cameras) not in (0, 1, len(self.track)):
            raise AvatarError(
                "bad_file",
                f"The job has {len(self.cameras)} cameras for {len(self.track)} frames.",
                "Give one camera, or one per frame.",
            )

    def changed(self, **settings: Any) -> RenderSettings:
        """The same job with settings that are not None replaced."""
        return replace(self, **{k: v for k, v in settings.items() if v is not None})


def read_job(folder: Path) -> RenderSettings:
    """The job of a folder.

    Raises:
        AvatarError: `bad_file`, naming the file, the key, what was found and expected.
    """
    path = folder / "job.json"
    content = _json_object(path)
    for key, value in content.items():
        kind = _JOB_KEYS.get(key)
        if kind is None or type(value) is not kind:
            expected = kind.__name__ if kind else f"one of {sorted(_JOB_KEYS)}"
            raise _bad(path, f"key {key!r} is {value!r}; expected {expected}")
    for key in _REQUIRED:
        if key not in content:
            raise _bad(path, f"key {key!r} is missing")
    background = tuple(content.get("background", (0, 0, 0)))
    if len(background) != 3 or not all(
        isinstance(v, int | float) and 0 <= v <= 1 for v in background
    ):
        raise _bad(path, f"background is {list(background)}; expected three numbers 0..1")
    ablate = content.get("ablate", [])
    if not all(part in ABLATIONS for part in ablate):
        raise _bad(path, f"ablate is {ablate}; expected some of {list(ABLATIONS)}")
    avatar = folder / content["avatar"]
    with about(str(path)):
        track = Track.load(folder / content["track"])
        cameras = read_cameras(folder / content["cameras"]) if "cameras" in content else ()
    return RenderSettings(
        avatar=avatar,
        track=track,
        cameras=cameras,
        out=folder / "frames",
        name=content.get("name", avatar.stem),
        first_frame=content.get("first_frame", 1),
        mp4=content.get("mp4", False),
        background=background,
        ablate=frozenset(ablate),
    )


def from_files(
    avatar: Path, track: Path | None, cameras: Path | None, out: Path | None
) -> RenderSettings:
    """A job from single files.

    Raises:
        AvatarError: `bad_request` without a track or an output folder.
    """
    if track is None or out is None:
        raise AvatarError(
            "bad_request",
            f"{avatar} is not a job folder, and TRACK or --out is missing.",
            "Give a folder with job.json, or: render AVATAR TRACK --out DIR.",
        )
    views = read_cameras(cameras) if cameras is not None else ()
    from backend.head.foreign_tracks import with_own_joint  # torch: not for --help

    driver, _ = with_own_joint(read(track))
    return RenderSettings(avatar, driver, views, out, avatar.stem)


def read_cameras(path: Path) -> tuple[Camera, ...]:
    """The cameras of a camera file.

    Raises:
        AvatarError: `bad_file`.
    """
    content = _json_object(path)
    try:
        rows = {name: np.array(content[name], np.float64) for name in ("viewmats", "Ks")}
        return packing.cameras_from(content["width"], content["height"], **rows)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _bad(path, said(error)) from error


def write_cameras(path: Path, cameras: Sequence[Camera]) -> None:
    """Writes a camera file; all cameras have one size."""
    first = cameras[0]
    if any((c.width, c.height) != (first.width, first.height) for c in cameras):
        raise AvatarError(
            "bad_request",
            "The pictures have several sizes, and a camera file has one.",
            "Leave --cameras out, or bring the pictures to one size.",
        )
    content = {
        "width": first.width,
        "height": first.height,
        "viewmats": [c.viewmat.tolist() for c in cameras],
        "Ks": [c.K.tolist() for c in cameras],
    }
    write_bytes(path, json.dumps(content).encode())


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except TEXT_DAMAGE as error:
        raise _bad(path, str(error)) from error
    if not isinstance(content, dict):
        raise _bad(path, f"it holds a {type(content).__name__}; expected an object")
    return content


def _bad(path: Path, problem: str) -> AvatarError:
    return AvatarError(
        "bad_file", f"{path}: {problem}.", "See `python -m backend render --help` for the format."
    )
