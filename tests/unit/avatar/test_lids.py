"""Lids brighten as they close, and only as far as they close more than in the portrait."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from backend.avatar.lids import Lids
from backend.head import Head
from backend.splat.gaussians import Gaussians
from tests.unit.avatar.painted import SKIN, on, shaded, vertices

SIDES = ("Left", "Right")


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


def blink(share: float) -> dict[str, float]:
    return {"eyeBlinkLeft": share, "eyeBlinkRight": share}


@pytest.fixture(scope="module")
def upper(head: Head) -> torch.Tensor:
    """[V] bool: skin that a blink takes far down."""
    way = (vertices(head, **blink(1)) - vertices(head)).norm(dim=1)
    other = ("lashes", "left_eyeball", "right_eyeball", "eye_sockets", "mouth_interior")
    return (way > 0.005) & ~torch.stack([head.regions[name] for name in other]).any(0)


def lids_of(head: Head, colours: torch.Tensor, **units: float) -> Lids:
    rest, now = vertices(head), vertices(head, **units)
    return Lids.of(on(now, colours), now, rest, head, None)


def test_closed_lids_have_the_skins_colour_but_for_their_lashes(head, upper):
    lids, closed = lids_of(head, shaded(upper)), vertices(head, **blink(1))
    found = lids.coloured(on(closed, shaded(upper)), closed).features[upper]
    bright = (found.sum(1) / SKIN.sum()).clamp(0, 1)
    assert bright.quantile(0.9) > 0.7
    assert (bright < 0.5).any()  # the line of the lashes
    assert (found[bright > 0.7][:, 0] > found[bright > 0.7][:, 2]).all()


@pytest.mark.parametrize(("shade", "least", "most"), [(0.9, 0.3, 0.37), (0.02, 0.13, 0.18)])
def test_lashes_are_as_dark_as_the_open_lids_edge_shows(head, upper, shade, least, most):
    """White ones, and mascara: neither bright nor black."""
    colours = SKIN * torch.where(upper, shade, 1.0)[:, None]
    closed = vertices(head, **blink(1))
    found = lids_of(head, colours).coloured(on(closed, colours), closed).features[upper]
    darkest = (found.sum(1) / (0.95 * SKIN.pow(1.25)).sum()).quantile(0.02)
    if shade < most:
        assert darkest < most
    else:
        assert least < darkest < shade


def test_half_closed_lids_are_between(head, upper):
    lids = lids_of(head, shaded(upper))
    shares = []
    for share in (0.0, 0.5, 1.0):
        places = vertices(head, **blink(share))
        shares.append(lids.coloured(on(places, shaded(upper)), places).features[upper].sum())
    assert shares[1] - shares[0] == pytest.approx(0.5 * float(shares[2] - shares[0]), rel=0.05)


def test_everything_else_and_the_portraits_own_expression_stay_as_they_are(head, upper):
    lids, colours = lids_of(head, shaded(upper), **blink(0.4)), shaded(upper)
    for share in (0.0, 0.4):
        places = vertices(head, **blink(share))
        assert torch.equal(lids.coloured(on(places, colours), places).features, colours)
    closed = vertices(head, **blink(1))
    found = lids.coloured(on(closed, colours), closed).features
    way = (closed - vertices(head)).norm(dim=1)
    assert torch.equal(found[way < 0.0005], colours[way < 0.0005])


def test_cheeks_that_a_smile_raises_are_no_closed_lids(head):
    colours = SKIN.expand(len(head.v_template), 3).contiguous()
    cheeks = head.regions["cheeks"] | head.regions["face_sides"] | head.regions["jaw"]
    smile = {f"{unit}{side}": 1.0 for unit in ("mouthSmile", "cheekSquint") for side in SIDES}
    assert lids_of(head, colours, **smile).closed[cheeks].max() < 0.05


def test_what_a_frown_lowers_is_no_closed_lid(head):
    colours = SKIN.expand(len(head.v_template), 3).contiguous()
    frown = {f"{unit}{side}": 1.0 for unit in ("browDown", "noseSneer") for side in SIDES}
    assert lids_of(head, colours, **frown).closed.max() < 0.05
    assert lids_of(head, colours, **blink(1)).closed.max() > 0.9


def test_one_eye_winks_alone(head, upper):
    lids, colours = lids_of(head, shaded(upper)), shaded(upper)
    winking = vertices(head, eyeBlinkLeft=1.0)
    brighter = (lids.coloured(on(winking, colours), winking).features - colours).sum(1)[upper]
    left = vertices(head)[upper, 0] > 0  # the subject's
    assert brighter[left].sum() > 20 * brighter[~left].sum()


def test_lids_that_are_as_light_as_the_skin_stay(head, upper):
    colours = SKIN.expand(len(upper), 3).contiguous()
    lids, closed = lids_of(head, colours), vertices(head, **blink(1))
    found = lids.coloured(on(closed, colours), closed).features[upper]
    assert (found == SKIN).all(1).float().mean() > 0.1
    assert (found <= SKIN).all()  # the others are where lashes are


def test_only_the_first_layers_gaussians_can_be_coloured_alone(head, upper):
    rest, closed = vertices(head), vertices(head, **blink(1))
    one = on(rest, shaded(upper))
    two = Gaussians.cat([one, dataclasses.replace(one, layers=one.layers)])
    lids = Lids.of(two, rest, rest, head, None)
    alone = lids.coloured(on(closed, shaded(upper)), closed).features
    both = lids.coloured(dataclasses.replace(two), closed).features
    assert torch.equal(alone, both[: len(rest)])


def test_a_head_without_lids_stays_as_it_is(head, upper):
    rest, closed = vertices(head), vertices(head, **blink(1))
    none = {name: torch.zeros_like(mask) for name, mask in head.regions.items()}
    colours = shaded(upper)
    lids = Lids(on(rest, colours), rest, rest, closed - rest, none)
    assert torch.equal(lids.coloured(on(closed, colours), closed).features, colours)
