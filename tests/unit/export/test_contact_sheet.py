"""Contact sheets, read back by others."""

from pathlib import Path

import numpy as np

from backend.export import png
from backend.export.contact_sheet import contact_sheet, write_contact_sheet


def test_a_contact_sheet_shows_every_tile_in_its_place(tmp_path: Path) -> None:
    tiles = [(f"tile {n}", np.full((50, 100, 3), 40 * n, np.uint8)) for n in range(5)]
    sheet = contact_sheet(tiles, columns=3, tile_px=90)
    for index in range(5):
        row, column = divmod(index, 3)
        y, x = 8 + row * (90 + 26 + 8) + 45, 8 + column * 98 + 45
        assert (sheet[y, x] == 40 * index).all()
        label = sheet[y + 45 : y + 71, x - 45 : x + 45]
        assert label.min() < 100
    write_contact_sheet(tmp_path / "sheet.png", tiles, columns=3, tile_px=90)
    np.testing.assert_array_equal(png.read_png(tmp_path / "sheet.png")[..., :3], sheet)


def test_a_contact_sheet_composes_alpha_over_its_background() -> None:
    clear = np.zeros((10, 10, 4), np.uint8)
    sheet = contact_sheet([("clear", clear)], tile_px=40, background=(1.0, 0.0, 0.0))
    assert sheet[28, 28].tolist() == [255, 0, 0]
