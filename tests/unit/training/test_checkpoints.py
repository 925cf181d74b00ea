"""Checkpoints of a run: whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.model.checkpoint import checkpoint_state, save_checkpoint
from backend.model.splitavatar import SplitAvatar
from backend.training import checkpoints
from backend.training.learner import adam
from shared.errors import AvatarError
from tests.fakes.drawn_clips import open_head
from tests.unit.training.tiny_run import SETTINGS, state


def test_a_checkpoint_brings_back_weights_and_adams_state(tmp_path: Path, model):
    optimiser = adam(model, SETTINGS.train)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.randn_like(parameter)
    optimiser.step()
    path = checkpoints.save(tmp_path, 2, model, optimiser, state())
    other = SplitAvatar(SETTINGS.model, open_head(), seed=2)
    second = adam(other, SETTINGS.train)
    checkpoints.restore(path, other, second)
    assert checkpoints.read_state(path) == state()
    for name, value in checkpoint_state(model).items():
        torch.testing.assert_close(checkpoint_state(other)[name], value, rtol=0, atol=0)
    ours, theirs = optimiser.state_dict()["state"], second.state_dict()["state"]
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        for name, value in values.items():
            torch.testing.assert_close(theirs[key][name], value, rtol=0, atol=0)


def test_only_the_last_checkpoints_stay(tmp_path: Path, model):
    optimiser = adam(model, SETTINGS.train)
    for step in (1, 2, 10):
        checkpoints.save(tmp_path, 2, model, optimiser, state(step=step))
    names = [path.name for path in checkpoints.checkpoints(tmp_path)]
    assert names == ["step-000000002.safetensors", "step-000000010.safetensors"]


def test_the_last_whole_checkpoint_is_found_and_leavings_are_swept(tmp_path: Path, model):
    optimiser = adam(model, SETTINGS.train)
    for step in (1, 2):
        checkpoints.save(tmp_path, 5, model, optimiser, state(step=step))
    cut = tmp_path / "step-000000002.safetensors"
    cut.write_bytes(cut.read_bytes()[:-1])
    left = tmp_path / ".step-000000003.99.part.safetensors"
    left.write_bytes(b"half")
    assert checkpoints.latest(tmp_path).name == "step-000000001.safetensors"
    assert not left.exists()


def test_other_files_are_no_checkpoints(tmp_path: Path, model):
    save_checkpoint(tmp_path / "weights.safetensors", model)
    with pytest.raises(AvatarError, match="format splitavatar-checkpoint-1"):
        checkpoints.read_state(tmp_path / "weights.safetensors")
    (tmp_path / "noise").write_bytes(np.random.default_rng(0).bytes(100))
    with pytest.raises(AvatarError, match="not a whole checkpoint"):
        checkpoints.read_state(tmp_path / "noise")
