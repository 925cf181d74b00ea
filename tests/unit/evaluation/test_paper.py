"""The paper's numbers are all there and equal those read elsewhere."""

from __future__ import annotations

import pytest

from backend.evaluation.paper import columns, table, tables

# method.md 8, in the order of the columns.
VFHQ = (21.0958, 0.8124, 0.1503, 0.7975, 0.1084, 0.120, 3.3793, 0.5896, 0.2674, 0.278)
HDTF = (24.1581, 0.8809, 0.1136, 0.8668, 0.1019, 0.073, 3.1052, 0.8547, 0.2704, 0.152)


def test_every_table_has_all_its_rows():
    assert [(t.number, len(t.rows)) for t in tables()] == [(1, 6), (2, 6), (3, 5), (4, 6), (5, 2)]
    names = [row.name for row in table(3).rows]
    assert names[1:] == ["w/o AR N_GSN", "w/o GNN", "w/o feature embedding", "w/o N_mask"]
    assert [row.name for row in table(4).rows] == ["1x1", "2x2", "2x3 (Ours)", "3x2", "3x3", "4x2"]
    systems = ["CVTHead", "LAM", "GPAvatar", "Portrait4D-v2", "GAGAvatar", "Ours"]
    assert [row.name for row in table(1).rows] == systems == [row.name for row in table(2).rows]


def test_every_row_has_all_ten_numbers():
    assert len(columns()) == 10
    assert all(len(row.values) == 10 for t in tables() for row in t.rows)


@pytest.mark.parametrize(("number", "expected"), [(1, VFHQ), (2, HDTF), (3, VFHQ), (5, VFHQ)])
def test_our_rows_are_the_papers(number: int, expected: tuple[float, ...]):
    assert tuple(table(number).row("paper").values.values()) == expected


def test_rows_that_are_the_same_network_have_the_same_numbers():
    assert table(4).row("paper").values == table(1).row("paper").values
    assert table(4).row("no_ar").values == table(3).row("no_ar").values


@pytest.mark.parametrize(
    ("number", "name", "column", "expected"),
    [
        (1, "CVTHead", "cross.csim", 0.0861),
        (1, "GPAvatar", "self.akd", 3.9999),
        (2, "LAM", "self.apd", 0.159),
        (2, "Portrait4D-v2", "cross.aed", 0.2612),
        (3, "w/o feature embedding", "cross.apd", 0.268),
        (3, "no_mask", "self.lpips", 0.1616),
        (4, "k3L3", "self.ssim", 0.8055),
        (4, "4x2", "cross.csim", 0.5795),
        (5, "baseline_15x", "self.psnr", 20.9251),
    ],
)
def test_cells_are_the_papers(number: int, name: str, column: str, expected: float):
    assert table(number).row(name).values[column] == expected
