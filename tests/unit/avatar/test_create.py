"""Portrait to avatar: what it looks like, options, and a creation that is cancelled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.avatar.create import CreateOptions
from backend.avatar.file import Avatar
from backend.losses.pixels import psnr
from backend.splat.gaussians import IDENTITY_FRONT
from shared.errors import AvatarError
from shared.photos import Photo
from shared.progress import Progress, silent


def test_the_avatar_looks_like_its_portrait(pipeline, avatar, portrait):
    shown = pipeline.render(pipeline.drive(avatar, avatar.source), avatar.camera)
    inside = portrait.matte > 0.5
    assert psnr(shown.rgb, portrait.matted, inside) > 26, "after six steps only"
    assert np.abs(shown.alpha - portrait.matte).mean() < 0.04


@pytest.fixture(scope="module")
def quick(pipeline, portrait):
    """Creates without a look from all sides at which Gaussians are never seen: seconds less."""

    def create(iterations: int, progress: Progress = silent) -> Avatar:
        return pipeline.create_from(portrait, CreateOptions(iterations=iterations), progress)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.avatar.create.drop_redundant", lambda *_: None)
        yield create


@pytest.fixture(scope="module")
def phases() -> list[str]:
    """What creating `plain` told."""
    return []


@pytest.fixture(scope="module")
def plain(quick, phases) -> Avatar:
    """An avatar without steps."""
    return quick(0, lambda phase, done, total: phases.append(phase))


def test_no_iterations_leave_the_projection(pipeline, portrait, avatar, plain, phases):
    assert phases
    assert "personalise" not in phases
    assert len(plain.identity) == len(avatar.identity)
    shown = pipeline.render(pipeline.drive(plain, plain.source), plain.camera)
    assert psnr(shown.rgb, portrait.matted, portrait.matte > 0.5) > 20


def test_negative_iterations_are_refused(pipeline, astronaut):
    with pytest.raises(AvatarError) as caught:
        pipeline.create(astronaut, CreateOptions(iterations=-1), silent)
    assert caught.value.code == "bad_request"


def test_a_cancelled_creation_leaves_nothing_that_shows_in_the_next(pipeline, quick, plain):
    weights = {name: value.clone() for name, value in pipeline.model.state_dict().items()}
    seen = []

    def stop(phase: str, done: float, total: float) -> None:
        seen.append(phase)
        if phase == "personalise" and done == 2:
            raise AvatarError("cancelled", "Cancelled.", "")

    with pytest.raises(AvatarError) as caught:
        quick(6, stop)
    assert caught.value.code == "cancelled"
    assert seen.count("personalise") == 2
    for name, value in pipeline.model.state_dict().items():
        assert torch.equal(value, weights[name]), name
    again = quick(0)
    assert torch.equal(again.identity.features, plain.identity.features)
    for a, b in zip(again.layers, plain.layers, strict=True):
        assert all(torch.equal(value, dict(b.tensors())[name]) for name, value in a.tensors())


def test_what_an_avatar_is_called_after_and_shows_beyond_splats_is_the_first_photos(
    pipeline, portrait, quick, monkeypatch
):
    """Other photos lend colours only, the head's back its hair's among them, and necks."""
    other = replace(portrait, digest="0" * 64, rgb=portrait.rgb[:, ::-1].copy())
    monkeypatch.setattr("backend.avatar.create.with_own_neck", list)
    plain = pipeline.create_from(portrait, CreateOptions(iterations=0), silent)
    found = pipeline.create_from(portrait, CreateOptions(iterations=0), silent, [other])
    assert found.image_hash == portrait.digest
    assert torch.equal(found.photo, plain.photo)
    front = plain.identity.layers == IDENTITY_FRONT
    assert torch.equal(found.identity.layers, plain.identity.layers)
    other_colours = (found.identity.features != plain.identity.features).any(1) & front
    assert other_colours.float().mean() < 0.01
    assert (plain.identity.means[other_colours, 1] < 0).all(), (
        "skin beside the neck's mesh, as it is"
    )


def test_a_network_that_sees_one_picture_refuses_more(pipeline, astronaut, monkeypatch):
    monkeypatch.setattr(pipeline, "refines", True)
    photos = [Photo("a.png", astronaut), Photo("b.png", b"b")]
    with pytest.raises(AvatarError) as caught:
        pipeline.portraits(photos, CreateOptions(), silent)
    assert caught.value.message == "2 photos were given; the network of open sees one."
