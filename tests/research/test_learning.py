"""A network learns from made-up people: from the portrait's start on, and by the trainer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.avatar.personalise import masked_union
from backend.data.frame import Frame, Pair
from backend.data.store import Store
from backend.data.synthetic.synthesise import Recipe, clip_name, synthesise
from backend.head import Head
from backend.lifting.start import start as lift
from backend.lifting.view import View
from backend.model.checkpoint import load_checkpoint
from backend.model.residuals import LayerResiduals
from backend.model.splitavatar import SplitAvatar
from backend.splat.rasterise import rasterise
from backend.training.batch import collate
from backend.training.forward import forward
from backend.training.learner import Learner, Part
from backend.training.portrait_start import PortraitStart, matte_of, portrait_of
from backend.training.run import train
from backend.training.settings import Settings, load_settings
from shared.errors import AvatarError
from shared.progress import silent

SETTINGS = {
    "image_size": 128, "grid": 64, "iterations": 30, "batch": 1, "lr": 2e-3, "lr_end": 1.0,
    "validate_every": 0, "image_every": 0, "checkpoint_every": 1000, "workers": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings("small", **SETTINGS)


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("people") / "store"
    synthesise(path, Recipe(identities=4, frames=3, size_px=128, seed=2), silent, processes=0)
    return Store(path)


@pytest.fixture(scope="module")
def frame(store: Store) -> Frame:
    return store.read(clip_name(2), 0)


@pytest.fixture(scope="module")
def begin(settings: Settings, head: Head, tmp_path_factory: pytest.TempPathFactory):
    model = SplitAvatar(settings.model, head)
    return PortraitStart(model, head, tmp_path_factory.mktemp("portraits"))


def test_step_0_shows_exactly_what_the_portrait_alone_gives(settings, head, begin, store, frame):
    model = SplitAvatar(settings.model, head)
    target = store.read(clip_name(2), 1)
    batch = collate([Pair(frame, target)], head)
    with torch.no_grad():
        drawn = forward(model, batch, [begin.of(frame)]).coarse[0].permute(1, 2, 0)
        alone = lift(View(portrait_of(frame, head), head), model)
        encoded = model.encode(batch.source_images, frame.camera)
        raw = model.expression_raw(
            encoded.g0_raw, batch.vertices, batch.frames, alone.personal.layers
        )
        layers = model.assemble(
            raw, alone.personal.layers, batch.vertices, batch.frames, channels=3
        )
        planes = model.identity(encoded, alone.personal.identity, frame.camera, channels=3)
        cloud = masked_union(planes, layers, alone.personal)
        expected = rasterise(cloud.kept(), target.camera).features[..., :3]
    # Kept as 16-bit numbers; nothing else may differ, but which of two splats that lie within a
    # tenth of a millimetre is drawn first.
    apart = (drawn - expected).abs()
    assert float(apart.mean()) < 2e-4
    assert float((apart > 0.03).float().mean()) < 2e-3


def test_a_start_is_made_once_and_read_from_then_on(begin, frame, monkeypatch):
    first = begin.of(frame)
    monkeypatch.setattr("backend.training.portrait_start.start", None)  # cannot be made again
    again = begin.of(frame)
    assert isinstance(first.layers, list)
    assert isinstance(first.layers[1], LayerResiduals)
    assert len(first.layers) == 4
    assert torch.equal(first.identity_mask, again.identity_mask)
    for layer, other in zip(first.layers, again.layers, strict=True):
        for (name, tensor), (_, same) in zip(layer.tensors(), other.tensors(), strict=True):
            assert torch.equal(tensor, same), name


def test_another_picture_or_setting_has_another_file(settings, head, begin, store, frame):
    paths = {begin._path(frame), begin._path(store.read(clip_name(2), 1))}
    other = replace(settings.model, plane_offset_m=0.15)
    paths.add(PortraitStart(SplitAvatar(other, head), head, begin._cache)._path(frame))
    assert len(paths) == 3
    wider = replace(settings.model, width=64)  # does not shape the residuals
    same = PortraitStart(SplitAvatar(wider, head), head, begin._cache)._path(frame)
    assert same in paths


def test_a_damaged_file_is_made_anew(begin, frame):
    wanted = begin.of(frame)
    path: Path = begin._path(frame)
    path.write_bytes(path.read_bytes()[:1000])
    assert torch.equal(begin.of(frame).identity_mask, wanted.identity_mask)


def test_starts_are_made_by_several_processes_before_they_are_needed(begin, store, monkeypatch):
    frames = [store.read(clip_name(i), 0) for i in (1, 3)]
    assert begin.prepare(iter(frames), processes=2) == 2
    assert begin.prepare(iter(frames), processes=2) == 0
    monkeypatch.setattr("backend.training.portrait_start.start", None)
    assert all(begin.of(f).layers for f in frames)


def test_without_a_matte_what_is_not_black_is_the_person(frame):
    assert frame.alpha is not None
    matte = matte_of(frame.image) > 0.5
    wanted = frame.alpha > 127
    assert (matte & wanted).sum() / (matte | wanted).sum() > 0.97


def test_an_empty_picture_and_another_heads_frame_are_refused(begin, frame):
    black = replace(frame, image=np.zeros_like(frame.image), alpha=None)
    with pytest.raises(AvatarError, match=r"fills 0\.0%"):
        begin.of(black)
    foreign = replace(frame, track=replace(frame.track, head="flame2023"))
    with pytest.raises(AvatarError, match="flame2023"):
        begin.of(foreign)


def test_thirty_steps_lower_the_loss_on_what_was_learnt(settings, head, store, begin, tmp_path):
    outcome = train(settings, store, head, tmp_path / "run", portraits=begin._cache)
    assert outcome.finished
    clips = store.clips("train")
    pairs = [Pair(store.read(c, s), store.read(c, t)) for c in clips for s, t in ((0, 1), (1, 2))]
    batch, own = collate(pairs, head), [begin.of(pair.source) for pair in pairs]
    before, after = (
        _image_loss(model, settings, Part(batch, own))
        for model in (SplitAvatar(settings.model, head), load_checkpoint(outcome.weights, head))
    )
    assert after < 0.95 * before


@torch.no_grad()
def _image_loss(model: SplitAvatar, settings: Settings, part: Part) -> float:
    return float(Learner(model, settings, torch.device("cpu")).eval()(part)["image"])
