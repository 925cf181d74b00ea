"""Personalisation lowers its loss and changes nothing that it promises to leave."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from backend.avatar.personalise import assemble, masked_union, personalise
from backend.lifting.target import Personal, Target
from backend.losses import image_loss
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.splat.rasterise import rasterise
from shared.errors import AvatarError
from shared.progress import silent

STEPS = 12


@dataclass
class Case:
    model: SplitAvatar
    encoded: Encoded
    target: Target
    before: Personal
    after: Personal
    losses: list[float]
    seen: list[tuple[str, float, float]]

    @torch.no_grad()
    def loss(self, personal: Personal) -> float:
        """On black, without the random backgrounds of the steps."""
        model, target = self.model, self.target
        raw = model.expression_raw(
            self.encoded.g0_raw, target.vertices, target.frames, personal.layers
        )
        identity, layers = assemble(model, self.encoded, raw, personal, target)
        cloud = masked_union(identity, layers, personal)
        return float(image_loss(rasterise(cloud, target.camera), target.image, target.alpha, 0.0))


@pytest.fixture(scope="module")
def case(pipeline, portrait, begun) -> Case:
    begin = copy.deepcopy(begun)
    with torch.no_grad():
        image = begin.target.image.permute(2, 0, 1)[None]
        encoded = pipeline.model.encode(image, portrait.fit.camera)
    before = copy.deepcopy(begin.personal)
    seen: list[tuple[str, float, float]] = []
    losses = personalise(
        pipeline.model, encoded, begin.personal, begin.target, STEPS,
        lambda *step: seen.append(step),
    )  # fmt: skip
    return Case(pipeline.model, encoded, begin.target, before, begin.personal, losses, seen)


def test_the_loss_goes_down(case):
    assert len(case.losses) == STEPS
    assert case.loss(case.after) < 0.97 * case.loss(case.before)


def test_every_step_is_reported(case):
    assert case.seen == [("personalise", step + 1, STEPS) for step in range(STEPS)]


def test_lips_and_lids_keep_their_colour_place_and_size(case):
    pairs = zip(case.before.layers, case.after.layers, case.before.frozen, strict=True)
    for before, after, frozen in pairs:
        assert frozen.any()
        for name in ("features", "offset", "scale"):
            a, b = getattr(before, name), getattr(after, name)
            assert torch.equal(a[frozen], b[frozen]), name
            assert not torch.equal(a[~frozen], b[~frozen]), name


def test_cells_outside_the_matte_stay_as_they_are(case):
    outside = ~case.before.identity_mask.view(2, -1)
    for name in ("features", "opacity", "scale", "offset"):
        a, b = getattr(case.before.identity, name), getattr(case.after.identity, name)
        assert torch.equal(a[outside], b[outside]), name
    assert torch.equal(case.before.identity_mask, case.after.identity_mask)


def test_cells_before_the_head_stay_where_they_are(case):
    """What they show may change: from the side, cells that moved are a row of dots."""
    model, target = case.model, case.target
    identity = model.identity(case.encoded, case.before.identity, target.camera)
    pixels = target.camera.project(identity.means[0].detach().numpy())
    inside = case.before.identity_mask.numpy()
    center = target.camera.project(target.vertices[0].numpy()).mean(0)
    before_face = inside & (np.linalg.norm(pixels - center, axis=1) < 40)
    assert before_face.sum() > 100
    for name in ("offset", "scale"):
        moved = getattr(case.after.identity, name) - getattr(case.before.identity, name)
        moved = moved.detach().abs().reshape(len(inside), -1).amax(1).numpy()
        assert moved[before_face].max() == 0, name
        assert moved[inside].max() > 0, f"{name}: beside the head they do"


def test_the_network_stays_frozen(case):
    assert not any(p.requires_grad for p in case.model.parameters())
    assert all(p.grad is None for p in case.model.parameters())


def test_the_results_carry_no_gradient_and_no_nan(case):
    for residuals in (case.after.identity, *case.after.layers):
        for name, tensor in residuals.tensors():
            assert not tensor.requires_grad, name
            assert bool(torch.isfinite(tensor).all()), name


def test_colours_stay_near_the_portraits(case):
    for before, after in zip(case.before.layers, case.after.layers, strict=True):
        assert float((after.features - before.features).abs().max()) <= 0.6 + 1e-5


def test_what_shows_badly_keeps_about_its_size(case):
    """Between splats that are seen edge on, and shrink, there would be holes from the side."""
    pairs = zip(case.before.layers, case.after.layers, case.before.shown, strict=True)
    for before, after, shown in pairs:
        resized = (after.scale - before.scale).abs().amax(1)
        assert resized[shown <= 0.5].max() == pytest.approx(0.1, abs=1e-5)
        assert resized[shown > 0.5].max() > 0.11


def test_the_same_start_gives_the_same_result(case):
    again = copy.deepcopy(case.before)
    losses = personalise(case.model, case.encoded, again, case.target, 2, silent)
    other = copy.deepcopy(case.before)
    assert losses == pytest.approx(
        personalise(case.model, case.encoded, other, case.target, 2, silent), rel=1e-5
    )
    assert float((again.identity.features - other.identity.features).abs().max()) < 1e-3


def test_a_cancel_comes_through(case):
    def stop(phase: str, done: float, total: float) -> None:
        raise AvatarError("cancelled", "Cancelled.", "")

    with pytest.raises(AvatarError) as caught:
        personalise(case.model, case.encoded, copy.deepcopy(case.before), case.target, 9, stop)
    assert caught.value.code == "cancelled"
