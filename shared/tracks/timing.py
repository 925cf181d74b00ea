"""Frame rates and times of tracks: in which unit they are, and whether they are even."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .checks import bad_key

UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
COMMON_RATES = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 100.0, 120.0)
DEFAULT_FPS = 30.0
_FEWEST_FPS, _MOST_FPS = 1.0, 1000.0
_LONGEST_S = 24 * 3600.0
_UNEVEN = 0.25
"""Of a frame; times nearer to even ones are even ones, rounded."""

Timing = tuple[float, "np.ndarray | None", list[str]]
"""Frames per second; [T] seconds since the first frame where they are uneven; notes."""


def timing(path: Path, count: int, declared: float | None, times: np.ndarray | None) -> Timing:
    """When the frames of a track are.

    Args:
        path: The file, for messages.
        count: T, frames.
        declared: Frames per second that the file tells, or None.
        times: [T] as in the file, of unknown unit, or None.

    Raises:
        AvatarError: `bad_file` where the times do not rise and nothing else tells the rate.
    """
    fps = DEFAULT_FPS if declared is None else declared
    if count < 2:
        return fps, None, []
    if times is None or not np.ptp(times):
        said = "The file tells neither rate nor times: {:g} fps taken."
        return fps, None, [] if declared is not None else [said.format(fps)]
    steps = np.diff(times)
    if (steps <= 0).any():
        where = int(np.argmax(steps <= 0)) + 1
        if declared is None and times[-1] <= times[0]:
            raise bad_key(path, "time", f"a step back at frame {where}", "rising times")
        if declared is None:
            fps, _, _ = _risen(path, np.linspace(0, times[-1] - times[0], count), None)
        note = f"Times do not rise at frame {where}: they are not used, only the rate {fps:g} fps."
        return fps, None, [note]
    return _risen(path, times - times[0], declared)


def _risen(path: Path, times: np.ndarray, declared: float | None) -> Timing:
    """`timing` of rising times from 0."""
    notes: list[str] = []
    step = float(np.median(np.diff(times)))
    if abs(step - 1) < 1e-6 and (times % 1 == 0).all():
        fps = DEFAULT_FPS if declared is None else declared
        notes.append(f"Times count frames: {fps:g} fps taken.")
        seconds = times / fps
    else:
        unit = _unit(path, step, declared)
        if unit != "seconds":
            notes.append(f"Times are in {unit}.")
        seconds = times * UNITS[unit]
    usual = float(np.median(np.diff(seconds)))
    if seconds[-1] > _LONGEST_S:
        found = f"{seconds[-1] / 3600:.3g} hours in {len(times)} frames"
        raise bad_key(path, "time", found, "times of one take")
    even = (len(seconds) - 1) / seconds[-1]
    if np.abs(seconds - np.arange(len(seconds)) / even).max() < _UNEVEN * usual:
        agrees = declared is not None and abs(even / declared - 1) < 0.02
        fps = declared if declared and agrees else near_common(even, 2e-4)
        if declared is not None and fps != declared:
            notes.append(f"Times tell {fps:.4g} fps, the file says {declared:g}: times count.")
        return fps, None, notes
    gaps = int((np.diff(seconds) > 1.5 * usual).sum())
    notes.append(
        f"Times are uneven ({gaps} gap{'s' * (gaps != 1)}): keys follow time."
        if gaps
        else "Times are uneven: keys follow time."
    )
    return near_common(1 / usual, 0.02), seconds, notes


def _unit(path: Path, step: float, declared: float | None) -> str:
    if declared is not None:
        return min(UNITS, key=lambda name: abs(np.log(step * UNITS[name] * declared)))
    for name, factor in UNITS.items():
        if _FEWEST_FPS <= 1 / (step * factor) <= _MOST_FPS:
            return name
    raise bad_key(path, "time", f"a usual step of {step:g}", "times in seconds")


def near_common(fps: float, share: float) -> float:
    """The common rate within a share of a measured one, or the measured one itself."""
    nearest = min(COMMON_RATES, key=lambda rate: abs(rate - fps))
    return nearest if abs(nearest / fps - 1) < share else fps
