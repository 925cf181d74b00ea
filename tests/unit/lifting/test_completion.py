"""What does not show is carried on smoothly, and like the other side where that shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.completion import completed
from backend.lifting.vertex_colours import VertexColours

NO_HAIR = np.zeros(441, bool)


def shown(colours: np.ndarray, trust: np.ndarray) -> VertexColours:
    trust = trust.astype(float)
    return VertexColours(colours, trust, trust, np.ones(len(trust), int))


@pytest.fixture(scope="module")
def sheet() -> tuple[np.ndarray, np.ndarray]:
    """A grid symmetric about x = 0, its edges along and across."""
    steps = np.linspace(-0.1, 0.1, 21)
    places = np.stack([*(g.ravel() for g in np.meshgrid(steps, steps)), np.zeros(441)], -1)
    index = np.arange(441).reshape(21, 21)
    along = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], -1)
    across = np.stack([index[:-1].ravel(), index[1:].ravel()], -1)
    return places, np.concatenate([along, across])


def test_what_is_trusted_stays(sheet):
    places, edges = sheet
    colours = np.random.default_rng(0).random((441, 3))
    found = completed(places, edges, shown(colours, np.ones(441)), NO_HAIR)
    assert np.abs(found - colours).mean() < 0.1
    even = np.full((441, 3), 0.3)
    np.testing.assert_allclose(
        completed(places, edges, shown(even, np.ones(441)), NO_HAIR), even, atol=1e-5
    )


def test_a_hole_takes_what_is_around_it(sheet):
    places, edges = sheet
    middle = np.linalg.norm(places, axis=1) < 0.04
    colours = np.where(middle[:, None], 0.0, 0.6)
    found = completed(places, edges, shown(colours, ~middle), NO_HAIR)
    np.testing.assert_allclose(found[middle], 0.6, atol=1e-3)


def test_a_hidden_side_looks_like_the_other(sheet):
    places, edges = sheet
    spots = 0.5 + 0.3 * np.sin(80 * np.abs(places[:, :1])) * np.ones(3)
    left = places[:, 0] < -0.005
    found = completed(places, edges, shown(np.where(left[:, None], 0, spots), ~left), NO_HAIR)
    np.testing.assert_allclose(found[left], spots[left], atol=0.02)


def test_hair_is_carried_around_rather_than_up_and_down(sheet):
    places, edges = sheet
    bands = np.where(places[:, 1:2] > 0, 0.9, 0.1) * np.ones(3)
    hidden = np.abs(places[:, 0]) < 0.06
    trust = (~hidden).astype(float)
    apart = [
        np.abs(
            completed(places, edges, shown(bands * trust[:, None], trust), around) - bands
        ).mean()
        for around in (np.zeros(441, bool), np.ones(441, bool))
    ]
    assert apart[1] < 0.6 * apart[0]


def test_hair_and_collars_are_worn_on_both_sides_but_what_shows_stays(sheet):
    places, edges = sheet
    worn = np.abs(places[:, 1]) < 0.03
    colours = np.where(worn, 0.1, 0.7)[:, None] * np.ones(3)
    left = places[:, 0] < -0.005
    for bare, expected in ((np.zeros(441, bool), 0.1), (left, 0.7)):
        seen = ~left | bare
        skin = (seen & ~(worn & ~left)).astype(float)
        there = np.where((left & bare)[:, None], 0.7, colours) * seen[:, None]
        found = completed(places, edges, replace(shown(there, seen), skin=skin), NO_HAIR)
        inner = left & (np.abs(places[:, 1]) < 0.015)
        np.testing.assert_allclose(found[inner], expected, atol=0.1)


def test_a_scalp_that_is_hidden_has_the_other_sides_hair_in_its_own_tone(sheet):
    """Its front's own tone ends at a hairline; hair's, told by how it changes there, would too."""
    places, edges = sheet
    left = places[:, 0] < -0.005
    colours = np.full((441, 3), 0.2)
    colours[np.abs(places[:, 0]) < 0.03] = 0.6  # what shows of a forehead
    colours[left & (np.abs(places[:, 0]) < 0.03)] = 0.8  # lit more on the left
    seen = ~left | (np.abs(places[:, 0]) < 0.03)
    found = completed(places, edges, shown(colours * seen[:, None], seen), np.ones(441, bool))
    np.testing.assert_allclose(found[places[:, 0] < -0.06], 0.2, atol=0.1)


def test_what_is_hidden_on_both_sides_looks_as_usual_in_what_shows_around(sheet):
    places, edges = sheet
    usual = 0.5 + 0.2 * np.sin(60 * places[:, 1:2]) * np.ones(3)
    middle = np.linalg.norm(places, axis=1) < 0.04
    brighter = usual + 0.1
    seen = shown(np.where(middle[:, None], 0, brighter), ~middle)
    found = completed(places, edges, seen, NO_HAIR, usual)
    np.testing.assert_allclose(found[~middle], brighter[~middle], atol=0.01)
    assert np.abs(found - brighter)[middle].mean() < 0.05
    without = completed(places, edges, seen, NO_HAIR)
    assert np.abs(found - brighter)[middle].mean() < np.abs(without - brighter)[middle].mean() / 2


def test_where_nobody_knows_what_is_usual_colours_are_carried_on(sheet):
    places, edges = sheet
    seen = shown(np.full((441, 3), 0.4), places[:, 1] > 0)
    unknown = np.full((441, 3), np.nan)
    np.testing.assert_array_equal(
        completed(places, edges, seen, NO_HAIR, unknown), completed(places, edges, seen, NO_HAIR)
    )


def test_dark_hair_does_not_run_into_skin_that_is_hidden(sheet):
    places, edges = sheet
    hair, hidden = places[:, 1] > 0.05, np.abs(places[:, 1]) <= 0.05
    colours = np.where(hair, 0.05, 0.7)[:, None] * np.ones(3)
    usual = np.where(hair[:, None], np.nan, 0.7) * np.ones(3)
    found = completed(places, edges, shown(colours, ~hidden), hair, usual)
    np.testing.assert_allclose(found[hidden], 0.7, atol=0.05)
    np.testing.assert_allclose(found[hair], 0.05, atol=0.03)


def test_hair_that_hangs_over_skin_does_not_run_into_what_is_hidden_beside_it(sheet):
    places, edges = sheet
    strand, hidden = np.abs(places[:, 0]) < 0.015, places[:, 0] >= 0.015
    colours = np.where(strand, 0.1, 0.7)[:, None] * np.ones(3)
    seen = replace(shown(colours, ~hidden), skin=(~hidden & ~strand).astype(float))
    found = completed(places, edges, seen, NO_HAIR, np.full((441, 3), 0.7))
    np.testing.assert_allclose(found[hidden], 0.7, atol=0.05)
    np.testing.assert_allclose(found[strand], 0.1, atol=0.05)


def test_hair_and_a_bald_skull_are_carried_around_apart(sheet):
    """Between both there is a hairline, not half a head of something between."""
    places, edges = sheet
    scalp = np.ones(441, bool)
    bald, seen = places[:, 1] > 0, np.abs(places[:, 0]) > 0.06
    colours = np.where(bald, 0.8, 0.2)[:, None] * np.ones(3) * seen[:, None]
    told = replace(shown(colours, seen), skin=(seen & bald).astype(float))
    found = completed(places, edges, told, scalp)[:, 0]
    between = (found > 0.35) & (found < 0.65)
    assert not between.any()
    assert (found[bald & ~seen] > 0.6).mean() > 0.8
    assert (found[~bald & ~seen] < 0.4).mean() > 0.8


def test_a_bald_skull_is_as_dark_behind_as_skin_usually_is_and_hair_is_not(sheet):
    places, edges = sheet
    scalp, hidden = np.ones(441, bool), places[:, 1] < 0
    usual = 0.6 + 2 * np.minimum(places[:, 1:2], 0) * np.ones(3)
    colours = np.where(hidden[:, None], 0, 0.6) * np.ones(3)
    far = places[:, 1] < -0.08
    bald = completed(places, edges, shown(colours, ~hidden), scalp, usual)
    np.testing.assert_allclose(bald[far], usual[far], atol=0.05)
    strands = replace(shown(colours, ~hidden), skin=np.zeros(441))
    hairy = completed(places, edges, strands, scalp, usual)
    np.testing.assert_allclose(hairy[far], 0.6, atol=0.02)
