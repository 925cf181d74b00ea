"""Names of GAGAvatar's checkpoint: all known, none invented."""

from __future__ import annotations

import re

import pytest
import torch

from backend.configs.network import model_config
from backend.configs.presets import load_preset
from backend.gagavatar.keys import UNUSED, our_name, translate
from backend.gagavatar.units import PointsHead
from backend.model.splitavatar import SplitAvatar
from shared.errors import AvatarError
from tests.fakes.gagavatar_weights import shapes


@pytest.fixture(scope="module")
def theirs() -> dict[str, torch.Tensor]:
    """The checkpoint's tensors, without memory of their own."""
    return {name: torch.zeros(1).expand(shape) for name, shape in shapes().items()}


@pytest.fixture(scope="module")
def wanted() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        return SplitAvatar(model_config(load_preset("gagavatar")), PointsHead(5023)).state_dict()


@pytest.fixture
def light(theirs: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]):
    """A part of both that is small enough to translate at will."""
    ours = {n: v for n, v in wanted.items() if n.startswith(("generator.trunk", "adapter.planes"))}
    names = [n for n in theirs if our_name(n) in ours]
    return {n: theirs[n] for n in names}, ours


def test_every_tensor_of_the_checkpoint_has_one_name_of_ours_or_is_known_to_be_unused(wanted):
    names = [our_name(name) for name in shapes()]
    used = [name for name in names if name is not None]
    assert sorted(used) == sorted(wanted)
    assert len(used) == len(set(used)) == 543
    assert names.count(None) == 597 - 543


def test_the_unused_ones_are_a_loss_and_two_leftovers():
    unused = [name for name in shapes() if our_name(name) is None]
    assert {next(p for p in UNUSED if re.fullmatch(p, name)) for name in unused} == set(UNUSED)
    kinds = {name.split(".")[0] + "." + name.split(".")[1] for name in unused}
    assert kinds == {
        "percep_loss.vggface",
        "percep_loss.net",
        "base_model.refinenet",
        "upsampler.toRGB",
    }


def test_shapes_differ_by_ones_only(theirs, wanted):
    for name, value in theirs.items():
        ours = our_name(name)
        if ours is not None:
            assert [s for s in value.shape if s != 1] == [s for s in wanted[ours].shape if s != 1]


def test_the_back_plane_is_l0(light):
    given, wanted = light
    given = dict(given)
    given["gs_generator_l0.gaussian_conv.6.bias"] = torch.arange(41.0)
    found = translate(given, wanted)
    assert torch.equal(found["adapter.planes.1.6.bias"], torch.arange(41.0))
    assert not found["adapter.planes.0.6.bias"].any()


def test_an_unknown_tensor_is_refused_by_name(light):
    given, wanted = light
    with pytest.raises(AvatarError, match=r"unknown tensors: gs_generator_g\.new\.weight"):
        translate({**given, "gs_generator_g.new.weight": torch.zeros(1)}, wanted)


def test_a_missing_tensor_is_refused_by_name(light):
    given, wanted = light
    left = {n: v for n, v in given.items() if n != "gs_generator_g.feature_layers.4.bias"}
    with pytest.raises(AvatarError, match=r"missing for our: generator\.trunk\.4\.bias"):
        translate(left, wanted)


def test_a_tensor_of_another_shape_is_refused_with_both_shapes(light):
    given, wanted = light
    other = {**given, "gs_generator_g.feature_layers.4.bias": torch.zeros(7)}
    with pytest.raises(AvatarError, match=r"feature_layers\.4\.bias \[7\] \(expected \[256\]\)"):
        translate(other, wanted)


def test_numbers_that_are_not_finite_are_refused(light):
    given, wanted = light
    broken = {**given, "gs_generator_g.feature_layers.4.bias": torch.full((256,), torch.nan)}
    with pytest.raises(AvatarError, match=r"not finite in generator\.trunk\.4\.bias"):
        translate(broken, wanted)
