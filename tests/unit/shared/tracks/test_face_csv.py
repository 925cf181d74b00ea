"""CSV of weights: timecodes, empty rows, and what is wrong with a cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvatarError
from shared.tracks import Options, read
from tests.fakes import arkit_files as files


def timecodes(path: Path, rate: int, step: int, count: int, start: int = 0) -> Path:
    lines = ["Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,EyeBlinkRight,MouthPucker,CheekPuff"]
    for i in range(count):
        second, frame = divmod(start + i * step, rate)
        lines.append(f"01:59:{second:02d}:{frame:02d}.250,61,0.1,0.2,0.3,0.4,0.5")
    return files.written(path, "\n".join(lines))


@pytest.mark.parametrize(("rate", "step"), [(60, 1), (30, 1), (24, 1), (25, 1), (60, 2)])
def test_a_timecode_shows_its_rate_where_a_second_ends(
    rate: int, step: int, tmp_path: Path
) -> None:
    track = read(timecodes(tmp_path / "a.csv", rate, step, 100))
    assert track.fps == pytest.approx(rate / step)
    assert track.times is None
    assert track.notes == ()


def test_within_a_second_the_app_s_rate_is_taken_and_said(tmp_path: Path) -> None:
    track = read(timecodes(tmp_path / "a.csv", 60, 1, 20))
    assert track.fps == pytest.approx(60)
    assert any("60 fps taken" in note for note in track.notes)
    assert read(tmp_path / "a.csv", Options(fps=24)).fps == 24


def test_rows_without_a_face_are_bridged(tmp_path: Path) -> None:
    lines = files.csv().splitlines()
    lines[4] = ",".join([lines[4].split(",")[0], "0", *[""] * 61])
    track = read(files.written(tmp_path / "a.csv", "\n".join(lines)))
    wanted = (files.W[2] + files.W[4]) / 2
    np.testing.assert_allclose(track.expression[3, :52], wanted, atol=2e-6)
    assert any("1 frame without a face bridged (3," in note for note in track.notes)


def test_the_columns_of_audio2face_are_read(tmp_path: Path) -> None:
    names = ["timeCode", *[f"blendShapes.{files.pascal(n)}" for n in files.NAMES]]
    rows = [f"{i / 30:.4f}," + ",".join(map(str, row)) for i, row in enumerate(files.W)]
    path = files.written(tmp_path / "animation_frames.csv", "\n".join([",".join(names), *rows]))
    track = read(path)
    assert track.fps == pytest.approx(30, abs=0.01)
    np.testing.assert_allclose(track.expression[:, :52], files.W, atol=1e-6)


def test_a_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    text = files.csv().replace(",0.", ",O.", 1)
    with pytest.raises(AvatarError) as caught:
        read(files.written(tmp_path / "a.csv", text))
    assert "a.csv, key 'BrowDownLeft of row 2': found 'O." in caught.value.message


def test_a_csv_without_rows_is_refused(tmp_path: Path) -> None:
    head = files.csv().splitlines()[0]
    with pytest.raises(AvatarError, match="found no row, expected at least one"):
        read(files.written(tmp_path / "a.csv", head))


def test_columns_of_words_are_left_out_and_said(tmp_path: Path) -> None:
    lines = files.csv().splitlines()
    lines = [f"{'Subject' if i == 0 else 'iPhone of Ada'},{line}" for i, line in enumerate(lines)]
    track = read(files.written(tmp_path / "a.csv", "\n".join(lines)))
    np.testing.assert_allclose(track.expression[:, :52], files.W, atol=2e-6)
    assert any("no ARKit names: Subject." in note for note in track.notes)


def test_decimal_commas_between_commas_are_refused_not_misread(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"found \d+ cells, expected 63 \(decimal commas need ;"):
        read(files.written(tmp_path / "a.csv", files.csv(",", ",")))


def test_a_take_over_midnight_goes_on(tmp_path: Path) -> None:
    rows = [(23, 59, 59, f) for f in range(50, 60)] + [(0, 0, 0, f) for f in range(10)]
    lines = ["Timecode,JawOpen,EyeBlinkLeft,EyeBlinkRight,MouthPucker,CheekPuff"]
    lines += [f"{h:02d}:{m:02d}:{s:02d}:{f:02d}.0,0,0,0,0,0" for h, m, s, f in rows]
    track = read(files.written(tmp_path / "a.csv", "\n".join(lines)))
    assert (track.fps, track.times) == (60, None)
