"""Skin brightens where the portrait's expression folded it, as that expression goes."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from backend.avatar.brows import Brows
from backend.avatar.folds import Folds
from backend.head import Head
from backend.splat.gaussians import Gaussians
from tests.unit.avatar.painted import SHADE, SKIN, on_vertices, shaded, vertices

SMILE = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "cheekSquintLeft": 0.6}


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


def on(places: torch.Tensor, colours: torch.Tensor) -> Gaussians:
    """Eight Gaussians beside each vertex, those of one after the other's."""
    step = 0.0005 * torch.stack(torch.meshgrid(*[torch.tensor([-1.0, 1.0])] * 3, indexing="ij"), -1)
    means = (places[:, None] + step.reshape(1, 8, 3)).reshape(-1, 3)
    of = torch.arange(len(places), dtype=torch.int32)
    return on_vertices(means, colours.repeat_interleave(8, 0), of.repeat_interleave(8))


@pytest.fixture(scope="module")
def crease(head: Head) -> torch.Tensor:
    """[V] bool: a line beside the left corner of the mouth, on skin that a smile moves far."""
    rest, smiling = vertices(head), vertices(head, **SMILE)
    far = (smiling - rest).norm(dim=1) > 0.006
    corner = rest[head.regions["lips"], 0].max()
    line = (rest[:, 0] > corner + 0.002) & (rest[:, 0] < corner + 0.007)
    found = far & line & head.regions["face"] & ~head.regions["lips"]
    assert found.sum() >= 3
    return found


def open_eyes(head: Head) -> torch.Tensor:
    """[V] no lid is closed."""
    return torch.zeros(len(head.v_template))


def raised(head: Head) -> torch.Tensor:
    """[V, 3] how far brows rise."""
    return Brows.raised(head, None)


def folds_of(head: Head, colours: torch.Tensor) -> Folds:
    now = vertices(head, **SMILE)
    return Folds(on(now, colours), now, vertices(head), head, open_eyes(head), raised(head))


def test_a_crease_is_gone_without_the_smile_that_made_it(head, crease):
    colours = torch.where(crease[:, None], 0.5 * SKIN, SKIN)
    cloud = on(vertices(head), colours)
    found = folds_of(head, colours).coloured(cloud, vertices(head)).features
    dark = crease.repeat_interleave(8)
    assert (found[dark].sum(1) / SKIN.sum()).median() > 0.85
    assert torch.allclose(found[~dark], SKIN)


def test_the_portraits_own_expression_stays_as_it_is(head, crease):
    colours, smiling = shaded(crease), vertices(head, **SMILE)
    cloud = on(smiling, colours)
    assert torch.equal(folds_of(head, colours).coloured(cloud, smiling).features, cloud.features)


def test_half_a_smile_shows_it_half(head, crease):
    colours, folds, sums = shaded(crease), folds_of(head, shaded(crease)), []
    for share in (1.0, 0.5, 0.0):
        places = vertices(head, **{name: share * value for name, value in SMILE.items()})
        shown = folds.coloured(on(places, colours), places).features[crease.repeat_interleave(8)]
        sums.append(float(shown.sum()))
    assert sums[1] - sums[0] == pytest.approx(0.5 * (sums[2] - sums[0]), rel=0.15)


def test_what_is_broader_than_a_fold_stays(head):
    """A beard: all of the jaw is dark."""
    rest, smiling = vertices(head), vertices(head, **SMILE)
    jaw = rest[:, 1] < rest[head.regions["lips"], 1].min() - 0.005
    colours = shaded(jaw)
    found = folds_of(head, colours).coloured(on(rest, colours), rest).features
    deep = (rest[:, 1] < rest[head.regions["lips"], 1].min() - 0.03).repeat_interleave(8)
    assert torch.allclose(found[deep], SHADE)
    assert not torch.equal(smiling, rest)


def test_a_dark_moustache_stays_and_shade_as_broad_goes(head):
    rest, smiling = vertices(head), vertices(head, **SMILE)
    lips, face = rest[head.regions["lips"]], head.regions["face"] & ~head.regions["lips"]
    lip = face & (rest[:, 1] > lips[:, 1].max()) & (rest[:, 1] < lips[:, 1].max() + 0.018)
    lip &= rest[:, 0].abs() < 0.03
    moved = (lip & ((smiling - rest).norm(dim=1) > 0.005)).repeat_interleave(8)
    left = []
    for share in (0.1, 0.7):
        colours = torch.where(lip[:, None], share * SKIN, SKIN)
        found = folds_of(head, colours).coloured(on(rest, colours), rest).features
        left.append(float(((1 - found.sum(1) / SKIN.sum()) / (1 - share))[moved].median()))
    assert left[0] > 0.4
    assert left[1] < 0.25


def test_skin_that_another_expression_stretches_shows_its_shade_less(head):
    """A dark line on the upper lip is not drawn out over an open mouth."""
    rest, opened = vertices(head), vertices(head, jawOpen=1.0)
    lips = rest[head.regions["lips"]]
    line = (rest[:, 1] - lips[:, 1].max()).abs() < 0.002
    line &= head.regions["face"] & ~head.regions["lips"] & (rest[:, 0].abs() < 0.02)
    assert line.any()
    colours = shaded(line)
    folds = Folds(on(rest, colours), rest, rest, head, open_eyes(head), raised(head))
    dark = line.repeat_interleave(8)
    found = folds.coloured(on(opened, colours), opened).features[dark]
    assert found.sum(1).max() > 1.4 * SHADE.sum()
    assert torch.equal(
        folds.coloured(on(rest, colours), rest).features[dark], SHADE.expand(len(found), 3)
    )


def test_raised_brows_stay_dark_and_the_shade_below_them_goes(head):
    rest = vertices(head)
    up = vertices(head, browInnerUp=1.0, browOuterUpLeft=1.0, browOuterUpRight=1.0)
    brows, way = head.regions["brows"], (up - rest).norm(dim=1)
    below = head.regions["face"] & ~brows & (way > 0.002) & (way < 0.006) & (rest[:, 2] > 0.06)
    below &= rest[:, 1] < rest[brows, 1].mean()
    colours = shaded(brows | below)
    folds = Folds(on(rest, colours), rest, rest, head, open_eyes(head), raised(head))
    shown = folds.coloured(on(up, colours), up)
    light = shown.features.sum(1).reshape(-1, 8).mean(1) / SKIN.sum()
    assert light[below].mean() > light[brows].mean() + 0.1


def test_lids_that_open_keep_their_colours(head):
    """They fold: what a blink has moved far is no crease of a smile."""
    rest, shut = vertices(head), vertices(head, eyeBlinkLeft=1.0)
    lid = (shut - rest).norm(dim=1) > 0.005
    lid &= head.regions["face"] & ~head.regions["lashes"]
    assert lid.any()
    colours = shaded(lid)
    dark = lid.repeat_interleave(8)
    for closed, least in ((open_eyes(head), 1.5 * SHADE.sum()), (lid.float(), None)):
        folds = Folds(on(shut, colours), shut, rest, head, closed, raised(head))
        found = folds.coloured(on(rest, colours), rest).features[dark]
        if least is None:
            assert torch.equal(found, SHADE.expand(len(found), 3))
        else:
            assert found.sum(1).median() > least, "as other skin would brighten"


def test_only_the_first_layers_gaussians_can_be_coloured_alone(head, crease):
    colours = shaded(crease)
    one = on(vertices(head, **SMILE), colours)
    two = Gaussians.cat([one, dataclasses.replace(one, layers=one.layers)])
    folds = Folds(two, vertices(head, **SMILE), vertices(head), head, open_eyes(head), raised(head))
    found = folds.coloured(on(vertices(head), colours), vertices(head))
    assert len(found) == len(one)


def test_red_of_lips_beyond_the_meshs_own_stays(head):
    """Lips are fuller than the mesh's: their red is no shade, whatever smooths the skin."""
    rest, lips = vertices(head), head.regions["lips"]
    near = torch.cdist(rest, rest[lips]).amin(1) < 0.002
    red = torch.tensor([0.55, 0.25, 0.24])
    beside = near & head.regions["face"] & ~lips & ~head.regions["mouth_interior"]
    assert beside.sum() >= 10
    colours = SKIN.expand(len(rest), 3).clone()
    colours[beside] = red
    cloud = on(rest, colours)
    found = folds_of(head, colours).coloured(cloud, rest).features
    kept = (found - cloud.features)[beside.repeat_interleave(8)].abs().amax(1)
    assert kept.median() < 0.05
