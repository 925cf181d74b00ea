"""ARKit weights in CSV: Live Link Face's 61 columns, Audio2Face-3D's, and all that is alike."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .angles import poses_beside
from .arkit_names import ANGLES, columns, index_of, left_out, plain
from .checks import bad_key
from .containers import Table
from .options import Options
from .read_track import ReadTrack
from .timing import COMMON_RATES, timing
from .weights import as_expression, bridged, shares

_TIMES = ("timecode", "time", "timestamp", "timestampms", "seconds")
_NO_WEIGHT = ("", "frame", "blendshapecount", *_TIMES)
_TIMECODE = re.compile(r"(\d+):(\d+):(\d+)[:;](\d+(?:[.,]\d+)?)")
_LIVE_LINK_FPS = 60.0


def recognises(content: Any) -> bool:
    """Whether a CSV's first line names ARKit weights."""
    if not isinstance(content, Table):
        return False
    return sum(index_of(name) is not None for name in content.columns) >= 5


def read(path: Path, table: Table, options: Options) -> ReadTrack:
    """Reads rows of weights by the names in the first line.

    `Timecode` is HH:MM:SS:FF.fff or a number; head angles turn the neck. Eye angles say what the
    eyeLook weights say, too, and count only where these are absent. Empty cells: no face.

    Raises:
        AvatarError: `bad_file`, naming column and row.
    """
    plainly = [plain(name) for name in table.columns]
    named = [name for name in table.columns if plain(name) not in _NO_WEIGHT]
    _, unknown = columns(path, named, "(first line)")
    if not table.rows:
        raise bad_key(path, "(rows)", "no row", "at least one")
    weighty = [i for i, name in enumerate(table.columns) if index_of(name) is not None]
    turning = [i for i, name in enumerate(plainly) if name in ANGLES]
    cells = _numbers(path, table, weighty)
    seen = np.asarray(~np.isnan(cells).any(axis=1))
    if "blendshapecount" in plainly:
        count = plainly.index("blendshapecount")
        seen &= np.array([_cell(row, count) not in ("", "0") for row in table.rows])
    if not seen.any():
        raise bad_key(path, "(rows)", "no row with weights", "at least one")
    told, notes = (None, []) if options.fps else _times(path, table)
    fps, times, said = timing(path, len(seen), options.fps, told)
    notes += said
    known = {place: index_of(table.columns[i]) or 0 for place, i in enumerate(weighty)}
    expression, said = shares(path, as_expression(cells[seen], known))
    notes += said + ([left_out(unknown)] if unknown else [])
    angles = np.nan_to_num(_numbers(path, table, turning)[seen])
    poses, said = poses_beside(angles, [plainly[i] for i in turning], expression, options)
    track = ReadTrack.neutral(
        len(expression), expression=expression, fps=fps, notes=(*notes, *said), **poses
    )
    seconds = np.arange(len(seen)) / fps if times is None else times
    track = bridged(track, seen, seconds)
    return replace(track, times=times)


def _cell(row: list[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""


def _numbers(path: Path, table: Table, wanted: list[int]) -> np.ndarray:
    """[T, C] of the columns wanted; NaN where a cell is empty."""
    cells = np.full((len(table.rows), len(wanted)), np.nan)
    for number, row in enumerate(table.rows):
        if len(row) > len(table.columns) and any(row[len(table.columns) :]):
            expected = f"{len(table.columns)} (decimal commas need ;)"
            raise bad_key(path, f"row {number + 2}", f"{len(row)} cells", expected)
        for place, column in enumerate(wanted):
            text = _cell(row, column)
            if text.lower() in ("", "null", "none", "nan"):
                continue
            try:
                cells[number, place] = float(text.rstrip("% ").replace(",", "."))
            except ValueError:
                key = f"{table.columns[column]} of row {number + 2}"
                raise bad_key(path, key, repr(text), "a number") from None
    if np.isinf(cells).any():
        raise bad_key(path, "(rows)", "infinity", "finite numbers")
    return cells


def _times(path: Path, table: Table) -> tuple[np.ndarray | None, list[str]]:
    """[T] times as told, and what was taken for granted."""
    column = next((i for i, name in enumerate(table.columns) if plain(name) in _TIMES), None)
    if column is None:
        return None, []
    texts = [_cell(row, column) for row in table.rows]
    matches = [_TIMECODE.fullmatch(text) for text in texts]
    if all(matches):
        numbers = [[float(part.replace(",", ".")) for part in m.groups()] for m in matches if m]
        return _timecodes(np.array(numbers))
    try:
        return np.array([float(text.replace(",", ".")) for text in texts]), []
    except ValueError:
        wrong = next(text for text, match in zip(texts, matches, strict=True) if not match)
        key = f"{table.columns[column]}"
        raise bad_key(path, key, repr(wrong), "HH:MM:SS:FF.fff or seconds") from None


def _timecodes(parts: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """[T] seconds from [T, 4] hours, minutes, seconds, frames.

    How many frames make a second shows where one ends: the step over it must be the usual one.
    """
    seconds = parts[:, 0] * 3600 + parts[:, 1] * 60 + parts[:, 2]
    seconds += 86400 * np.cumsum(np.r_[False, np.diff(seconds) < -43200])  # past midnight
    frames = parts[:, 3]
    said = ""
    usual = np.median(np.diff(frames)[np.diff(seconds) == 0]) if len(frames) > 2 else 1.0
    ends = np.flatnonzero(np.diff(seconds) == 1)
    if len(ends) and np.isfinite(usual):
        measured = float(np.median(frames[ends] - frames[ends + 1])) + float(usual)
        rate = min(COMMON_RATES, key=lambda common: abs(common - measured))
    else:
        rate = _LIVE_LINK_FPS
        said = f"The timecode does not show its rate: {rate:g} fps taken, as Live Link Face has."
    if frames.max() >= rate:
        rate = min((r for r in COMMON_RATES if r > frames.max()), default=float(frames.max()) + 1)
    return seconds + frames / rate, [said] if said else []
