"""What is read of driven units, with a landmarker that reads left and right differently."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from backend.evaluation.readback import UNSEEN, Row, markdown, readings, rows, together
from shared.flame import ARKIT_NAMES, Track

UNITS = ("eyeBlinkLeft", "eyeBlinkRight", "mouthLeft", "jawOpen", "eyeLookOutLeft")


class DrawnUnits:
    """Draws the weights as grey pixels: row 0, after a white one that tells where the left is."""

    def __init__(self, least_seen: float = 0.0) -> None:
        self.tracker = SimpleNamespace(detector=self)
        self.pictures = 0
        self._least_seen = least_seen

    def picture(self, avatar: object, frame: Track, camera: object) -> SimpleNamespace:
        self.pictures += 1
        weights = frame.expression[0, : len(ARKIT_NAMES)]
        rgba = np.full((2, 1 + len(weights), 4), 255, np.uint8)
        rgba[0, 1:, :3] = (weights[:, None] * 250).round()
        return SimpleNamespace(rgba8=lambda: rgba)

    def detect(self, rgb: np.ndarray) -> list[SimpleNamespace]:
        """Half of what is driven; a tenth more on the side that the picture's right shows."""
        mirrored = rgb[0, 0, 0] != 255
        drawn = rgb[0, ::-1] if mirrored else rgb[0]
        weights = dict(zip(ARKIT_NAMES, drawn[1:, 0] / 250, strict=True))
        if max(weights.values()) < self._least_seen:
            return []
        if mirrored:
            weights = {swapped(name): weight for name, weight in weights.items()}
        scores = {name: w / 2 + 0.1 * name.endswith("Left") for name, w in weights.items()}
        return [SimpleNamespace(blendshapes=scores)]


def swapped(name: str) -> str:
    sides = {"Left": "Right", "Right": "Left"}
    for side, other in sides.items():
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


def read(pipeline: DrawnUnits, units: tuple[str, ...] = UNITS) -> dict[str, np.ndarray]:
    avatar = SimpleNamespace(camera=None)
    return readings(pipeline, avatar, units)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "driven"),
    [
        ("jawOpen", {"jawOpen"}),
        ("mouthRight", {"mouthRight"}),
        ("mouthSmileRight", {"mouthSmileLeft", "mouthSmileRight"}),
        ("eyeLookInLeft", {"eyeLookInLeft", "eyeLookOutRight"}),
        ("eyeLookUpLeft", {"eyeLookUpLeft", "eyeLookUpRight"}),
    ],
)
def test_units_are_driven_as_faces_move_them(unit: str, driven: set[str]) -> None:
    assert set(together(unit)) == driven
    assert driven <= set(ARKIT_NAMES)


def test_a_mirror_takes_out_that_the_landmarker_prefers_a_side() -> None:
    found = read(DrawnUnits())
    assert list(found) == list(UNITS)
    np.testing.assert_allclose(found["eyeBlinkLeft"], [0.05, 0.30, 0.55], atol=0.005)
    np.testing.assert_allclose(found["eyeBlinkRight"], found["eyeBlinkLeft"], atol=1e-9)
    np.testing.assert_allclose(found["jawOpen"], [0.0, 0.25, 0.5], atol=0.005)
    np.testing.assert_allclose(found["eyeLookOutLeft"], [0.05, 0.30, 0.55], atol=0.005)


def test_a_pair_is_drawn_once_for_both_of_its_halves() -> None:
    pipeline = DrawnUnits()
    read(pipeline, ("eyeBlinkLeft", "eyeBlinkRight"))
    assert pipeline.pictures == 3


def test_a_face_that_is_not_found_is_left_out_of_the_means() -> None:
    unseen, seen = read(DrawnUnits(least_seen=0.7)), read(DrawnUnits())
    assert np.isnan(unseen["jawOpen"][:2]).all()
    (row,) = rows([{"jawOpen": unseen["jawOpen"]}, {"jawOpen": seen["jawOpen"]}])
    assert row.people == 1
    assert row.full == pytest.approx(0.5, abs=0.005)
    (nobody,) = rows([{"jawOpen": unseen["jawOpen"]}])
    assert (nobody.people, np.isnan(nobody.full)) == (0, True)


def test_rows_hold_means_and_the_spread_over_people() -> None:
    people = [{"jawOpen": np.array([0, 0.4, 0.8])}, {"jawOpen": np.array([0.1, 0.6, 1.0])}]
    (row,) = rows(people)
    assert (row.unit, row.people) == ("jawOpen", 2)
    means = (row.neutral, row.half, row.full, row.spread)
    assert means == pytest.approx((0.05, 0.5, 0.9, 0.1))
    assert rows([]) == []


def test_the_table_lists_what_cannot_be_seen_last() -> None:
    table = [Row("cheekPuff", 0, 0, 0, 0, 3), Row("jawOpen", 0.01, 0.5, 0.9, 0.05, 3)]
    assert "cheekPuff" in UNSEEN
    assert markdown(table)[2:] == [
        "| jawOpen | 0.01 | 0.50 | 0.90 | 0.05 | 3 |",
        "| cheekPuff (hardly seen) | 0.00 | 0.00 | 0.00 | 0.00 | 3 |",
    ]
