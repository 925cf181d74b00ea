"""A mouth's inside darkens as its lips close."""

from __future__ import annotations

import pytest
import torch

from backend.avatar.mouth_light import MouthLight
from backend.head import Head
from tests.unit.avatar.painted import SKIN, on, vertices

SPEECH = {"jawOpen": 0.1, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2}
SMILE = {
    "mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.15,
    "mouthUpperUpLeft": 0.6, "mouthUpperUpRight": 0.6,
}  # fmt: skip


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


def brightness(head: Head, portrait: dict, driven: dict) -> dict[str, float]:
    """Of parts, times as bright as in the avatar of a portrait."""
    before, after, rest = vertices(head, **portrait), vertices(head, **driven), vertices(head)
    painted = SKIN.expand(len(rest), 3)
    light = MouthLight(on(before, painted), before, rest, head)
    found = light.coloured(on(after, painted), after).features[:, 0] / SKIN[0]
    names = ("teeth_upper", "tongue", "lips", "cheeks")
    return {name: float(found[head.regions[name]].mean()) for name in names}


def test_the_portraits_own_smile_keeps_its_teeth(head):
    assert brightness(head, SMILE, SMILE)["teeth_upper"] == pytest.approx(1)


def test_teeth_of_a_smile_darken_in_speech(head):
    found = brightness(head, SMILE, SPEECH)
    assert 0.5 < found["teeth_upper"] < 0.85
    assert 0.5 < found["tongue"] < 0.85
    assert found["lips"] == found["cheeks"] == 1


def test_painted_teeth_are_as_bright_as_painted_in_a_smile_only(head):
    assert brightness(head, {}, SMILE)["teeth_upper"] == pytest.approx(1, abs=0.12)
    assert brightness(head, {}, SPEECH)["teeth_upper"] < 0.85


def test_a_wider_mouth_is_brighter(head):
    opens = [brightness(head, {}, {"jawOpen": x})["teeth_upper"] for x in (0, 0.1, 0.3, 0.6)]
    assert opens == sorted(opens)
    assert opens[0] < 0.65
    assert opens[-1] > 1


def test_teeth_that_speech_shows_brighten_in_a_smile_but_not_much(head):
    assert 1 < brightness(head, {"jawOpen": 0.2}, SMILE)["teeth_upper"] <= 1.2


def test_the_first_layer_alone_is_coloured_alike(head):
    rest, after = vertices(head), vertices(head, **SPEECH)
    painted = SKIN.expand(len(rest), 3)
    light = MouthLight(on(rest, painted), rest, rest, head)
    whole = light.coloured(on(after, painted), after)
    part = light.coloured(on(after, painted).select(torch.arange(3000)), after)
    assert torch.equal(part.features, whole.features[:3000])
