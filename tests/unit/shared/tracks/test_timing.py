"""Times of tracks: their unit, their gaps, and when the rate counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvatarError
from shared.tracks.timing import timing

PATH = Path("talk.json")
EVEN = np.arange(30) / 25


@pytest.mark.parametrize("declared", [None, 25.0])
@pytest.mark.parametrize(
    ("unit", "factor"),
    [("", 1.0), ("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)],
)
def test_the_usual_step_tells_the_unit(unit: str, factor: float, declared: float | None) -> None:
    fps, times, notes = timing(PATH, 30, declared, (EVEN + 3.5) * factor)
    assert fps == pytest.approx(25)
    assert times is None
    assert notes == ([f"Times are in {unit}."] if unit else [])


def test_rounded_times_are_even() -> None:
    fps, times, _ = timing(PATH, 60, None, np.round(np.arange(60) / 30, 2))
    assert times is None
    assert fps == pytest.approx(30, abs=0.1)


def test_even_times_at_another_rate_than_the_file_says_count_and_are_said() -> None:
    fps, times, notes = timing(PATH, 30, 30.0, EVEN)
    assert (fps, times) == (25, None)
    assert notes == ["Times tell 25 fps, the file says 30: times count."]


def test_uneven_times_are_kept_from_the_first() -> None:
    told = EVEN + np.where(np.arange(30) > 10, 0.8, 0)
    fps, times, notes = timing(PATH, 30, None, told + 9)
    assert fps == 25
    assert times is not None
    np.testing.assert_allclose(times, told)
    assert notes == ["Times are uneven (1 gap): keys follow time."]


def test_whole_numbers_one_apart_count_frames() -> None:
    fps, times, notes = timing(PATH, 30, 50.0, np.arange(30.0))
    assert (fps, times, notes) == (50, None, ["Times count frames: 50 fps taken."])


def test_times_that_step_back_are_not_used_where_there_is_a_rate() -> None:
    told = EVEN.copy()
    told[7] = 0
    fps, times, notes = timing(PATH, 30, 24.0, told)
    assert (fps, times) == (24, None)
    assert "do not rise at frame 7" in notes[0]
    assert timing(PATH, 30, None, told)[:2] == (25, None)
    with pytest.raises(AvatarError, match="key 'time': found a step back at frame 1"):
        timing(PATH, 30, None, told[::-1])


def test_a_leap_of_days_is_no_gap() -> None:
    told = EVEN + np.where(np.arange(30) > 10, 1e6, 0)
    with pytest.raises(AvatarError, match="found 278 hours in 30 frames"):
        timing(PATH, 30, None, told)


def test_without_times_and_rate_the_rate_that_is_taken_is_said() -> None:
    assert timing(PATH, 30, None, None) == (
        30, None, ["The file tells neither rate nor times: 30 fps taken."],
    )  # fmt: skip
    assert timing(PATH, 30, None, np.zeros(30))[2]
    assert timing(PATH, 1, None, None) == (30, None, [])


def test_times_without_any_likely_unit_are_refused() -> None:
    with pytest.raises(AvatarError, match="expected times in seconds"):
        timing(PATH, 30, None, EVEN * 1e14)
