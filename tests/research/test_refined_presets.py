"""A preset with a neural renderer from portrait to frames, on invented weights.

The open head stands in for GAGAvatar's FLAME file, written as one; DINOv2 has few narrow blocks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from backend import __main__ as program
from backend.assets import SAMPLE_PORTRAIT
from backend.avatar.create import CreateOptions
from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.avatar.refine import is_trained_framing
from backend.configs.network import model_config
from backend.configs.presets import load_preset
from backend.head import Head, load_head
from backend.model import dinov2
from backend.model.checkpoint import save_checkpoint, save_state
from backend.model.splitavatar import SplitAvatar
from backend.splat import quaternions
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER
from backend.tracking.portrait import Portrait, Tracker
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track
from shared.progress import silent
from tests.unit.head import flame_files


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for downloads with a FLAME file, and small transformers."""
    folder = tmp_path_factory.mktemp("assets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPLITAVATAR_ASSETS", str(folder))
        patch.setattr(dinov2, "DinoV2", partial(dinov2.DinoV2, depth=4, width=24, heads=2))
        (folder / "gagavatar").mkdir()
        model = flame_files.open_head_as_flame(Head.load("open"))
        (folder / "gagavatar" / "FLAME_with_eye.pt").write_bytes(flame_files.as_torch(model))
        yield folder


@pytest.fixture(scope="module")
def weights(environment: Path) -> Path:
    """An untrained network with its encoder, where the preset's weights are looked for."""
    config = model_config(load_preset("gagavatar"))
    model = SplitAvatar(config, load_head("flame_with_eye"), seed=1)
    path = environment / "checkpoints" / "gagavatar.safetensors"
    path.parent.mkdir()
    state = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    save_state(path, state, config)
    return path


@pytest.fixture(scope="module")
def pipeline(weights: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline("gagavatar", device="cpu")
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    """The sample portrait as the open head's tracker sees it: the codes are the stand-in's too."""
    with Tracker(Head.load("open")) as tracker:
        found = tracker.portrait(SAMPLE_PORTRAIT.read_bytes(), None, silent)
    track = dataclasses.replace(found.fit.track, head="flame2020")
    return dataclasses.replace(found, fit=dataclasses.replace(found.fit, track=track))


@pytest.fixture(scope="module")
def avatar(pipeline: Pipeline, portrait: Portrait) -> Avatar:
    return pipeline.create_from(portrait, CreateOptions(), silent)


def test_without_weights_every_command_says_how_to_make_them(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
):
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    code = program.main(["create", str(SAMPLE_PORTRAIT), "--preset", "gagavatar"])
    said = capfd.readouterr().err
    assert code == 1
    assert "gagavatar.safetensors is not there" in said
    assert "python -m backend convert GAGAvatar.pt" in said


def test_a_checkpoint_of_other_settings_is_refused(pipeline, weights, environment, tmp_path: Path):
    config = dataclasses.replace(pipeline.model.config, plane_colours="channels")
    model = pipeline.model
    model.config, before = config, model.config
    try:
        save_checkpoint(tmp_path / "other.safetensors", model)
    finally:
        model.config = before
    other = Pipeline("gagavatar", device="cpu", weights=tmp_path / "other.safetensors")
    with pytest.raises(AvatarError, match="plane_colours"):
        _ = other.model


def test_an_avatar_keeps_all_features_through_its_file(pipeline, avatar, tmp_path: Path):
    assert avatar.identity.channels == 32
    path = tmp_path / "one.savatar"
    avatar.save(path)
    again = Avatar.load(path)
    pipeline.check(again)
    first, second = (pipeline.drive(a, avatar.source) for a in (avatar, again))
    assert torch.equal(first.features, second.features)
    assert torch.equal(first.means, second.means)


def test_cells_beside_the_person_are_gone(avatar, portrait):
    cells = 2 * 296**2
    share = len(avatar.identity) / cells
    assert float((portrait.matte > 0.5).mean()) < share < 0.9


def test_frames_are_refined_at_the_portraits_camera_and_at_another(pipeline, avatar):
    assert pipeline.image_kind == "refined"
    cloud = pipeline.drive(avatar, avatar.source)
    assert is_trained_framing(avatar.camera, 512)
    near = pipeline.render(cloud, avatar.camera)
    assert near.rgb.shape == (512, 512, 3)
    coarse = cloud.features[:, :3]
    assert coarse.shape[1] == 3
    shift = np.diag([160 / 512, 160 / 512, 1.0]) @ avatar.camera.K
    shift[0, 2] += 40
    far = pipeline.render(cloud, Camera(avatar.camera.viewmat, shift, 240, 160))
    for frame in (near, far):
        assert np.isfinite(frame.rgb).all()
        assert (frame.rgb <= frame.alpha[..., None] + 1e-6).all()
        assert (frame.alpha > 0.5).mean() > 0.05
        seen = frame.alpha > 0.5
        assert np.abs(frame.depth[seen] - avatar.camera.viewmat[2, 3]).max() < 0.5
    assert far.rgb.shape == (160, 240, 3)
    again = pipeline.render(cloud, avatar.camera)
    assert np.array_equal(near.rgb, again.rgb), "stored noise does not flicker"


def test_the_driver_moves_the_expression_gaussians_and_shoulders_turn_along(pipeline, avatar):
    still = pipeline.drive(avatar, avatar.neutral())
    opened = Track.neutral(1, betas=avatar.source.betas, head="flame2020")
    opened = dataclasses.replace(opened, jaw_pose=np.array([[0.3, 0.0, 0.0]]))
    moved = pipeline.drive(avatar, opened)
    expression = still.layers == FIRST_EXPRESSION_LAYER
    gap = (still.means - moved.means).norm(dim=1)
    assert gap[expression].max() > 0.005
    assert gap[~expression].max() == 0
    turned = dataclasses.replace(avatar.neutral(), global_orient=np.array([[0.0, 0.4, 0.0]]))
    gap = (still.means - pipeline.drive(avatar, turned).means).norm(dim=1)
    assert gap[~expression].median() > 0.01
    lowest = still.means[:, 1] < still.means[:, 1].quantile(0.02)
    assert gap[lowest & ~expression].max() > 0.01, "no torso stays behind"


def test_quaternions_over_the_points_leave_gaussians_nearly_unturned(pipeline, avatar):
    model, config = pipeline.model, pipeline.model.config
    rest = pipeline.head.vertices_of(avatar.source)
    frames = pipeline.head.local_frames(rest)

    def off_axis(norm: str) -> float:
        model.config = dataclasses.replace(config, quat_norm=norm)
        layer = model.expression(avatar.g0_raw, rest, frames).layers[0]
        half = quaternions.to_matrix(layer.quats) * layer.scales[..., None, :]
        covariance = half @ half.mT
        size = covariance.diagonal(dim1=-2, dim2=-1).mean(-1)
        return float((covariance[..., 0, 1].abs() / size).mean())

    try:
        assert off_axis("points") < 1e-3
        assert off_axis("each") > 5 * off_axis("points")
    finally:
        model.config = config
