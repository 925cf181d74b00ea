"""Figs. 4 and 5: the right pictures under the right headings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.results import Results, open_results
from backend.export.png import write_png
from backend.figures import systems
from backend.figures.grid import fitted, grid
from shared.errors import AvatarError

CLIPS = ("a", "b", "c", "d", "e")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Plain pictures whose grey says what they are."""

    def write(path: str, grey: int) -> None:
        write_png(tmp_path / path, np.full((16, 16, 3), grey, np.uint8))

    for place, clip in enumerate(CLIPS):
        write(f"sources/{clip}.png", 10 + place)
        for frame in ("1", "2"):
            write(f"targets/{clip}/{frame}.png", 20 + place)
            for grey, system in ((40, "paper"), (50, "mine"), (60, "LAM"), (70, "GAGAvatar")):
                write(f"{system}/{clip}/{frame}.png", grey + place)
    return open_results(tmp_path, "cross")[0]


def greys(sheet: np.ndarray, columns: int, rows: int) -> list[list[int]]:
    """The grey in the middle of every picture of 32 pixels."""
    return [
        [int(sheet[34 + row * 36 + 16, 4 + column * 36 + 16, 0]) for column in range(columns)]
        for row in range(rows)
    ]


def test_columns_are_source_driver_and_the_papers_order_with_ours_last(results: Results):
    sheet = systems.system_figure(results, systems.METHODS, side_px=32)
    assert sheet.shape == (34 + 4 * 36 + 4, 6 * 36 + 4, 3)
    assert greys(sheet, 6, 4)[0] == [10, 20, 60, 70, 50, 40]


def test_rows_take_one_frame_of_each_clip_first(results: Results):
    rows = greys(systems.system_figure(results, systems.METHODS, side_px=32), 6, 4)
    assert [row[0] for row in rows] == [10, 11, 12, 13]


def test_figure_five_shows_the_parts_of_table_three_only(results: Results, tmp_path: Path):
    (tmp_path / "LAM").rename(tmp_path / "no_gnn")
    sheet = systems.system_figure(open_results(tmp_path, "cross")[0], systems.PARTS, side_px=32)
    assert greys(sheet, 4, 1) == [[10, 20, 60, 40]]


def test_rows_and_systems_can_be_chosen(results: Results):
    sheet = systems.system_figure(results, 5, ["mine", "paper"], ["e/2", "b/1"], side_px=32)
    assert greys(sheet, 4, 2) == [[14, 24, 54, 44], [11, 21, 51, 41]]


def test_what_is_not_there_is_named(results: Results):
    with pytest.raises(AvatarError, match="has no results of LAMA"):
        systems.system_figure(results, 4, ["LAMA"])
    with pytest.raises(AvatarError, match="has no frame a/7"):
        systems.system_figure(results, 4, None, ["a/7"])


def test_pictures_keep_their_sides_ratio():
    square = fitted(np.zeros((10, 20, 3), np.uint8), 40)
    assert (square[:10] == 255).all()
    assert (square[10:30] == 0).all()


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"rows of \[1\] pictures"):
        grid(["a", "b"], [[np.zeros((4, 4, 3), np.uint8)]])
