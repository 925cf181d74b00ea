"""An appearance model finds the person and the light of what shows, and tells what is hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.appearance import Appearance, light_terms, lit_alike
from backend.lifting.vertex_colours import VertexColours

VERTICES, COMPONENTS, NOISE = 400, 3, 0.02


@pytest.fixture(scope="module")
def appearance() -> Appearance:
    """Smooth loadings: neighbours look alike."""
    rng = np.random.default_rng(0)
    turns = np.linspace(0, 2 * np.pi, VERTICES)[:, None]
    waves = np.stack([np.sin((k + 1) * turns + rng.random(3)) for k in range(COMPONENTS)])
    return Appearance(
        np.log(np.full((VERTICES, 3), 0.4)) + 0.1 * np.cos(2 * turns),
        0.2 * waves,
        np.full(VERTICES, NOISE**2),
        np.zeros((VERTICES, 3)),
        np.ones(VERTICES, bool),
    )


@pytest.fixture(scope="module")
def normals() -> np.ndarray:
    normals = np.random.default_rng(1).standard_normal((VERTICES, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def photo_of(
    appearance: Appearance, normals: np.ndarray, person: np.ndarray, light: np.ndarray
) -> np.ndarray:
    """[V, 3] display sRGB with noise."""
    logs = appearance.mean + np.tensordot(person, appearance.components, 1)
    noise = NOISE * np.random.default_rng(2).standard_normal(logs.shape)
    return np.exp(logs + light_terms(normals) @ light.T + noise)


def shown(colours: np.ndarray, trust: np.ndarray) -> VertexColours:
    trust = trust.astype(float)
    return VertexColours(colours, trust, trust, np.ones(len(trust), int))


def told(appearance: Appearance, what: VertexColours, normals: np.ndarray) -> np.ndarray:
    return appearance.usual(appearance.codes_of(what, normals), normals)


PERSON = np.array([1.0, -1.5, 0.5])
DIM = np.tile([-0.3, 0.0, 0.0, 0.0], (3, 1))
FROM_THE_LEFT = np.tile([0.0, 0.25, 0.0, 0.0], (3, 1)) * [[1.0], [0.9], [0.8]]


@pytest.mark.parametrize("light", [DIM, FROM_THE_LEFT], ids=["dim", "from the left"])
def test_what_is_hidden_is_told_by_what_shows(appearance, normals, light) -> None:
    colours = photo_of(appearance, normals, PERSON, light)
    hidden = np.arange(VERTICES) > VERTICES // 2
    found = told(appearance, shown(np.where(hidden[:, None], 0, colours), ~hidden), normals)
    apart = np.sqrt(np.square(found - colours)[hidden].mean())
    average = np.sqrt(np.square(np.exp(appearance.mean) - colours)[hidden].mean())
    assert apart < average / 3


def test_the_light_is_told_from_the_person(appearance, normals) -> None:
    colours = photo_of(appearance, normals, PERSON, FROM_THE_LEFT)
    codes = appearance.codes(colours, np.ones(VERTICES), normals)
    np.testing.assert_allclose(codes.light[:, 1:], FROM_THE_LEFT[:, 1:], atol=0.08)
    np.testing.assert_allclose(codes.person, PERSON, atol=0.5)


def test_how_much_of_the_light_is_from_the_front_is_told(appearance, normals) -> None:
    for light in (-0.3, 0.2):
        colours = photo_of(appearance, normals, PERSON, np.tile([0.0, 0.0, 0.0, light], (3, 1)))
        codes = appearance.codes(colours, np.ones(VERTICES), normals)
        assert codes.from_front == pytest.approx(light, abs=0.08)


def test_what_is_turned_to_the_light_is_brighter(appearance, normals) -> None:
    colours = photo_of(appearance, normals, PERSON, FROM_THE_LEFT)
    codes = appearance.codes(colours, np.ones(VERTICES), normals)
    towards, away = np.tile([1.0, 0, 0], (VERTICES, 1)), np.tile([-1.0, 0, 0], (VERTICES, 1))
    assert (appearance.explained(codes, towards) > appearance.explained(codes, away)).all()


def test_hair_and_glasses_hardly_change_the_person(appearance, normals) -> None:
    colours = photo_of(appearance, normals, PERSON, DIM)
    clean = appearance.codes(colours, np.ones(VERTICES), normals).person
    covered = colours.copy()
    covered[::8] = 0.05
    robust = appearance.codes(covered, np.ones(VERTICES), normals).person
    np.testing.assert_allclose(robust, clean, atol=0.25)


def test_nothing_that_shows_gives_the_average(appearance, normals) -> None:
    found = told(appearance, shown(np.zeros((VERTICES, 3)), np.zeros(VERTICES)), normals)
    np.testing.assert_allclose(found, np.exp(appearance.mean))


def test_what_only_just_shows_counts_nothing(appearance, normals) -> None:
    grazed = shown(np.ones((VERTICES, 3)), np.full(VERTICES, 0.2))
    np.testing.assert_allclose(told(appearance, grazed, normals), np.exp(appearance.mean))


def test_vertices_that_the_model_does_not_know_are_nan(appearance, normals) -> None:
    known = np.arange(VERTICES) % 2 == 0
    part = replace(appearance, known=known)
    found = told(part, shown(np.full((VERTICES, 3), 0.4), np.ones(VERTICES)), normals)
    np.testing.assert_array_equal(np.isfinite(found).all(1), known)


def test_bare_skin_that_the_model_does_not_know_is_lit_as_the_rest(normals) -> None:
    skin = np.exp(light_terms(normals) @ np.tile([-0.9, 0.1, 0.3, 0.2], (3, 1)).T)
    known = normals[:, 2] > -0.2
    told = known & (np.arange(VERTICES) % 3 > 0)
    usual = np.where(known[:, None], skin, np.nan)
    usual[known & ~told] = 0.1  # lips, brows
    found = lit_alike(usual, normals, told, np.ones(VERTICES, bool))
    np.testing.assert_array_equal(found[known], usual[known])
    np.testing.assert_allclose(found[~known], skin[~known], rtol=1e-6)
    nowhere = lit_alike(usual, normals, told, np.zeros(VERTICES, bool))
    np.testing.assert_array_equal(nowhere, usual)
