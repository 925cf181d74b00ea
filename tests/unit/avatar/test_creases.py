"""A face that smiles more than its portrait is shaded as smiling faces are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.avatar.creases import Creases
from backend.head import Head
from tests.unit.avatar.painted import SKIN, on, vertices

SMILE = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


def shade(
    head: Head, portrait: dict[str, float], units: dict[str, float], name: str = "open"
) -> torch.Tensor:
    """[V] times as bright as in an avatar's portrait, with skin of one colour on every vertex."""
    before, after, rest = vertices(head, **portrait), vertices(head, **units), vertices(head)
    faces = head.site_faces[:, 0]
    corners = (head.faces[faces] == torch.arange(len(rest))[:, None]).float()
    creases = Creases((faces, corners), before, rest, replace(head, name=name), None)
    found = creases.coloured(on(after, SKIN.expand(len(rest), 3)), after)
    return (found.features / SKIN).mean(1)


def beside_mouth(head: Head, side: int) -> torch.Tensor:
    """[V] bool: where the crease beside a smiling mouth is deepest."""
    rest = head.v_template
    lips = rest[head.regions["lips"]]
    aside, height = side * rest[:, 0] / lips[:, 0].max(), rest[:, 1] - lips[:, 1].mean()
    return head.regions["face"] & (aside > 1) & (aside < 1.3) & (height > 0.005) & (height < 0.02)


def test_a_smile_creases_both_cheeks_and_changes_no_lips_and_eyes(head):
    found = shade(head, {}, SMILE)
    for side in (1, -1):
        assert found[beside_mouth(head, side)].mean() < 0.85
    for name in ("lips", "teeth_upper", "left_eyeball", "scalp", "neck"):
        assert (found[head.regions[name] & ~head.regions["face"]] == 1).all()
    assert (found[head.regions["lips"]] == 1).all()


def test_a_broader_smile_creases_more_and_one_that_hardly_shows_not_at_all(head):
    whole, most, half, none = (
        shade(head, {}, {name: value * times for name, value in SMILE.items()}).log()
        for times in (1, 0.75, 0.5, 0.2)
    )
    at = beside_mouth(head, 1)
    assert half[at].mean() / whole[at].mean() == pytest.approx(1 / 3, abs=0.02)
    assert most[at].mean() / whole[at].mean() == pytest.approx(2 / 3, abs=0.02)
    assert (none == 0).all()


def test_one_side_smiles_alone(head):
    found = shade(head, {}, {"mouthSmileLeft": 1.0})
    assert found[beside_mouth(head, 1)].mean() < 0.85
    assert found[beside_mouth(head, -1)].mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "units", [{}, {"jawOpen": 1.0}, {"mouthPucker": 1.0}, {"mouthFrownLeft": 1.0}]
)
def test_what_is_no_smile_creases_nothing(head, units):
    assert (shade(head, {}, units) == 1).all()
    assert (shade(head, {"mouthPucker": 1.0}, units) == 1).all(), "a pucker that goes is no smile"


def test_the_portraits_own_smile_keeps_its_colours(head):
    assert (shade(head, SMILE, SMILE) == 1).all()
    more = shade(head, {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}, SMILE)
    assert 0.8 < more[beside_mouth(head, 1)].mean() < 0.95


def test_a_smile_that_goes_takes_its_light_along_and_folds_have_its_shade(head):
    smile, rest = shade(head, {}, SMILE), shade(head, SMILE, {})
    lit = smile > 1.02
    torch.testing.assert_close(
        rest[lit] * smile[lit], torch.ones(int(lit.sum())), atol=0.02, rtol=0
    )
    assert rest.max() == 1
    assert rest[beside_mouth(head, 1)].mean() > 0.99


def test_heads_of_which_no_portraits_were_seen_are_left_alone(head):
    assert (shade(head, {}, SMILE, name="flame2023") == 1).all()
