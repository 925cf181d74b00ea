"""Single photographs: what each makes of itself, of its mirror and of a round trip, and sheets.

A round trip makes an avatar, shows it turned and smiling, makes another avatar of that picture and
drives it back to the photograph's own pose and expression: a measure of everything that one
photograph cannot show, with a real face as its target (face-findings.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.avatar.create import CreateOptions
from backend.avatar.pipeline import Pipeline
from backend.data.held_out import judged
from backend.export.contact_sheet import write_contact_sheet
from backend.export.png import read_png, write_png
from backend.tracking.pictures import PICTURE_SUFFIXES, picture_files
from backend.tracking.portrait import Portrait
from shared.atomic import write_bytes
from shared.errors import AvatarError
from shared.progress import Progress, silent

from .facts import facts_report, write_facts
from .results import SHEETS, SOURCES, TARGETS, is_whole, stamp_of
from .shown import shown, turned

OWN, MIRRORED, ROUND_TRIP, LEFT, RIGHT = "own", "mirrored", "round_trip", "left_20", "right_20"
SYSTEMS = (OWN, MIRRORED, ROUND_TRIP, LEFT, RIGHT)

_FRAME = "portrait.png"
_CELL_PX = 224
_ROWS = 10
_SIMPLE = {
    "smile": {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.15},
    "jaw open": {"jawOpen": 0.8},
    "blink": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    "pucker": {"mouthPucker": 1.0},
    "brows up": {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0},
    "look left": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
}
_TURNS = {"-30": (-30, 0), "-15": (-15, 0), "15": (15, 0), "30": (30, 0), "up": (0, -15),
          "down": (0, 15)}  # fmt: skip
HEADINGS = ("photo", "own", *_TURNS, *_SIMPLE, "round trip")
_TRIP_TURN_DEG = 12.0
_TRIP = {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6, "jawOpen": 0.1, "browInnerUp": 0.3}


def write_portraits(
    pipeline: Pipeline,
    folder: Path,
    out: Path,
    options: CreateOptions,
    limit: int | None,
    progress: Progress,
) -> dict[str, Any]:
    """Makes a results folder of photographs; those that are whole already stay.

    Args:
        pipeline: The network and the tracker.
        folder: Photographs, one person each.
        out: The results folder; its sheets show ten people each.
        options: How avatars are made.
        limit: Most people that are judged, spread evenly; None: all that are held out.
        progress: Told the person; may cancel.

    Returns:
        `judged`, how many people; `refused`, a reason by file name; `facts`, what is read back of
        driven units, and the mattes' errors; `sheets`.

    Raises:
        AvatarError: `bad_request` without pictures; `no_face_found` where none can be used.
    """
    files = _judged(folder, limit)
    refused: dict[str, str] = {}
    for number, file in enumerate(files):
        progress("portraits", number, len(files))
        data = file.read_bytes()
        stamp = stamp_of([data], pipeline.preset, pipeline.picture_hash, options)
        if is_whole(out, file.stem, stamp):
            continue
        try:
            _write_portrait(pipeline, file.stem, data, out, stamp, options)
        except AvatarError as error:
            if error.code == "cancelled":
                raise
            refused[file.name] = error.message
    progress("portraits", len(files), len(files))
    names = [file.stem for file in files if file.name not in refused]
    if not names:
        raise AvatarError(
            "no_face_found",
            f"None of the {len(files)} pictures in {folder} can be used; the first: "
            f"{next(iter(refused.values()))}",
            "Use photographs that show one face from the front.",
        )
    facts = out / "facts.md"
    lines = facts_report([out / SHEETS / f"{name}.json" for name in names])
    write_bytes(facts, "\n".join([*lines, ""]).encode())
    return {
        "judged": len(names), "refused": refused, "facts": facts, "sheets": _sheets(out, names),
    }  # fmt: skip


def _judged(folder: Path, limit: int | None) -> list[Path]:
    files = picture_files(folder)
    if not files:
        raise AvatarError(
            "bad_request",
            f"{folder} holds no pictures; expected {', '.join(sorted(PICTURE_SUFFIXES))}.",
            "Give a folder of photographs.",
        )
    files = judged(files)
    if limit is not None and limit < len(files):
        files = [files[i] for i in np.linspace(0, len(files) - 1, limit).round().astype(int)]
    return files


def _write_portrait(
    pipeline: Pipeline, name: str, data: bytes, out: Path, stamp: str, options: CreateOptions
) -> None:
    portrait = pipeline.tracker.portrait(data, None, silent)
    avatar = pipeline.create_from(portrait, options, silent)
    target = _as_bytes(portrait.matted)  # on black
    trip = shown(pipeline, avatar, turned(avatar, _TRIP_TURN_DEG, 0, _TRIP))
    back = pipeline.create(_png(trip[..., ::-1]), options, silent)
    mirrored = pipeline.create(_mirrored(portrait), options, silent)
    made = {
        OWN: shown(pipeline, avatar, avatar.source),
        MIRRORED: shown(pipeline, mirrored, avatar.source, avatar.camera),
        ROUND_TRIP: shown(pipeline, back, avatar.source, avatar.camera),
        LEFT: shown(pipeline, avatar, turned(avatar, 20, 0)),
        RIGHT: shown(pipeline, avatar, turned(avatar, -20, 0)),
    }
    for system, picture in made.items():
        write_png(out / system / name / _FRAME, picture, stamp)
    write_png(out / TARGETS / name / _FRAME, target, stamp)
    row = [_as_bytes(portrait.rgb), made[OWN]]
    row += [shown(pipeline, avatar, turned(avatar, *turn)) for turn in _TURNS.values()]
    row += [shown(pipeline, avatar, turned(avatar, 0, 0, units)) for units in _SIMPLE.values()]
    row.append(made[ROUND_TRIP])
    cells = [cv2.resize(cell, (_CELL_PX, _CELL_PX), interpolation=cv2.INTER_AREA) for cell in row]
    write_png(out / SHEETS / f"{name}.png", np.hstack(cells), stamp)
    write_facts(out / SHEETS / f"{name}.json", pipeline, avatar, portrait, data)
    write_png(out / SOURCES / f"{name}.png", target, stamp)  # last: with it the person is whole


def _mirrored(portrait: Portrait) -> bytes:
    """PNG of the crop seen in a mirror, with its matte."""
    rgba = np.dstack([portrait.rgb[..., ::-1], portrait.matte])[:, ::-1]
    return _png(_as_bytes(rgba))


def _as_bytes(picture: np.ndarray) -> np.ndarray:
    """uint8 of a picture of 0..1."""
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _png(bgr: np.ndarray) -> bytes:
    """A picture in OpenCV's order of colours as a file."""
    return cv2.imencode(".png", bgr)[1].tobytes()


def _sheets(out: Path, names: list[str]) -> list[Path]:
    """Contact sheets of ten people each."""
    paths = []
    for page, first in enumerate(range(0, len(names), _ROWS)):
        tiles = []
        for name in names[first : first + _ROWS]:
            strip = read_png(out / SHEETS / f"{name}.png")[..., :3]
            cells = np.split(strip, len(HEADINGS), axis=1)
            tiles += [(f"{name} {what}", cell) for what, cell in zip(HEADINGS, cells, strict=True)]
        paths.append(out / f"sheet_{page + 1}.png")
        write_contact_sheet(paths[-1], tiles, len(HEADINGS), _CELL_PX)
    return paths
