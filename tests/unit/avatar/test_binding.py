"""An avatar bound to its mesh moves as the backend drives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from backend.avatar import binding
from backend.avatar.drive import Actor
from backend.model.splitavatar import SplitAvatar
from shared.binding import KEPT_ABOVE, PER_FACE, PER_GAUSSIAN, PER_VERTEX
from shared.flame import ARKIT_NAMES, Track
from tests.fakes.bound_splats import Bound

COLOUR_STEP = 1 / 255


@pytest.fixture(scope="module")
def bound(pipeline, avatar) -> Bound:
    rig = pipeline.rig(avatar)
    return Bound(pipeline.binding(avatar), rig["faces"], rig["vertices"])


def posed(seed: int, avatar) -> Track:
    """Fourteen units, a jaw, eyes and a head that turns, all made up."""
    rng = np.random.default_rng(seed)
    units = {ARKIT_NAMES[n]: float(rng.random()) for n in rng.choice(52, 14, replace=False)}
    track = Track.from_arkit(units)
    turns = {
        name: rng.uniform(-size, size, (1, 3)).astype(np.float32)
        for name, size in (
            ("jaw_pose", 0.15), ("leye_pose", 0.3), ("reye_pose", 0.3),
            ("global_orient", 0.2), ("neck_pose", 0.4), ("transl", 0.03),
        )
    }  # fmt: skip
    return dataclasses.replace(track, betas=avatar.source.betas, **turns)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_moves_and_colours_every_splat_as_a_drive_does(pipeline, avatar, bound, seed):
    frame = posed(seed, avatar)
    cloud = pipeline.drive(avatar, frame)
    vertices = pipeline.head.vertices_of(frame)[0].numpy()
    means = bound.means(vertices, pipeline.head.head_pose_of(frame).numpy())
    assert np.abs(means - cloud.means.numpy()).max() < 1e-5
    kept = cloud.opacities.numpy() > 0
    wanted = cloud.features[:, :3].clamp(0, 1).numpy()
    assert np.abs(bound.colours(vertices) - wanted)[kept].max() < COLOUR_STEP / 4
    still = bound.binding["slopes"] == 0
    scales = bound.binding["scales"] * bound.growth(vertices)[:, None]
    np.testing.assert_allclose(scales[still], cloud.scales.numpy()[still], rtol=1e-3)


def test_masks_and_opacities_are_those_of_a_drive(pipeline, avatar, bound):
    cloud = pipeline.drive(avatar, avatar.source)
    kept = bound.binding["masks"] > KEPT_ABOVE
    np.testing.assert_array_equal(kept, cloud.opacities.numpy() > 0)
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(bound.binding["opacities"][kept], cloud.opacities.numpy()[kept])


def test_every_array_has_its_type_and_length(pipeline, avatar, bound):
    counts = (
        (PER_GAUSSIAN, len(pipeline.drive(avatar, avatar.source))),
        (PER_VERTEX, len(bound.rest)),
        (PER_FACE, len(bound.faces)),
    )
    for kinds, count in counts:
        for name, (kind, columns) in kinds.items():
            found = bound.binding[name]
            assert found.dtype == kind, name
            assert found.shape == ((count,) if columns == 1 else (count, columns)), name
            assert np.isfinite(found).all(), name


def test_anchors_are_far_apart_and_nothing_but_the_head_s_pose_moves_them(pipeline, avatar, bound):
    anchors = bound.binding["anchors"]
    for seed in range(3):
        vertices = pipeline.head.vertices_of(posed(seed, avatar))[0].numpy()
        assert np.abs(vertices[anchors] - bound.rest[anchors]).max() < 1e-6
    a, b, c = bound.rest[anchors]
    assert np.linalg.norm(np.cross(b - a, c - a)) / 2 > 0.005  # square metres


def test_a_head_without_still_parts_has_no_anchors(pipeline, avatar):
    head = pipeline.head
    moving = dataclasses.replace(head, lbs_weights=torch.full_like(head.lbs_weights, 0.2))
    rest = head.vertices_of(avatar.neutral())[0]
    assert binding.still_vertices(moving, rest, avatar.source.betas) is None


@pytest.fixture
def trained(pipeline) -> Iterator[None]:
    """The same network with other weights, as after a training, while a test runs."""
    weights = list(pipeline.model.decoders.parameters())
    before = [weight.clone() for weight in weights]
    with torch.no_grad():
        for weight in weights:
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) / 10)
    yield
    with torch.no_grad():
        for weight, value in zip(weights, before, strict=True):
            weight.copy_(value)


@pytest.mark.usefixtures("trained")
def test_a_network_that_adds_to_the_mesh_gives_no_binding(pipeline, avatar):
    assert Actor(avatar, pipeline._loaded).binding() is None


@pytest.mark.parametrize(
    ("other", "bound"), [({"gating": False}, True), ({"local_quats": False}, False)]
)
def test_variants_of_the_network_are_bound_or_say_that_they_are_not(pipeline, avatar, other, bound):
    config = dataclasses.replace(pipeline.model.config, **other)
    model = SplitAvatar(config, pipeline.head)
    moved = []
    for frame in (avatar.neutral(), posed(1, avatar)):
        vertices = pipeline.head.vertices_of(frame)
        frames = pipeline.head.local_frames(vertices)
        raw = avatar.g0_raw.repeat_interleave(config.g0_copies, dim=1)
        moved.append(binding.Moved(model.expression(raw, vertices, frames), vertices, frames))
    assert binding.is_bound(config, *moved) is bound
    if bound:
        values = binding.bound_expression(moved[0], config, pipeline.head)
        assert (values["masks"] == 1).all()
        torch.testing.assert_close(
            values["means"], torch.cat([layer.means[0] for layer in moved[0].layers.layers])
        )
