"""Checkpoints come back whole, or say what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from backend.model.checkpoint import (
    FORMAT,
    checkpoint_state,
    load_checkpoint,
    read_config,
    save_checkpoint,
    save_state,
)
from shared.errors import AvatarError


@pytest.fixture
def checkpoint(trained, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, trained)
    return path


def rewritten(path, model, state=None, **changes):
    metadata = {
        "format": FORMAT,
        "config": json.dumps(model.config.to_dict()),
        "head": model.head_hash,
    }
    save_file(state or checkpoint_state(model), path, metadata=metadata | changes)


def refused(path, head) -> AvatarError:
    with pytest.raises(AvatarError) as error:
        load_checkpoint(path, head)
    return error.value


def test_a_loaded_network_does_what_the_saved_one_did(
    checkpoint, trained, head, portrait, camera, vertices, frames
):
    loaded = load_checkpoint(checkpoint, head).eval()
    assert loaded.config == trained.config
    assert read_config(checkpoint) == (trained.config, "small")
    with torch.no_grad():
        before, after = (model.encode(portrait, camera) for model in (trained, loaded))
        assert torch.equal(before.plane_raw, after.plane_raw)
        one = trained.expression(before.g0_raw, vertices, frames).layers[3]
        two = loaded.expression(after.g0_raw, vertices, frames).layers[3]
    assert torch.equal(one.means, two.means)
    assert torch.equal(one.mask, two.mask)


def test_the_frozen_encoder_is_not_stored(checkpoint, trained):
    assert not any(name.startswith("encoder.") for name in checkpoint_state(trained))
    assert (
        checkpoint.stat().st_size
        < 4 * sum(p.numel() for p in trained.parameters() if p.requires_grad) + 100_000
    )


def test_saving_leaves_no_other_file(checkpoint):
    assert list(checkpoint.parent.iterdir()) == [checkpoint]


def test_a_missing_file_is_named(tmp_path, head):
    error = refused(tmp_path / "none.safetensors", head)
    assert error.code == "missing_weights"
    assert "none.safetensors" in error.message


def test_another_head_is_refused_with_both_names(checkpoint, head):
    error = refused(checkpoint, replace(head, hash="other"))
    assert error.code == "head_mismatch"
    assert "was trained on the head small; the loaded head is other" in error.message


def test_a_truncated_file_is_refused(checkpoint, head):
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    error = refused(checkpoint, head)
    assert error.code == "bad_file"
    assert "is not a whole safetensors file" in error.message


def test_a_file_of_another_format_is_refused(tmp_path, head):
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    error = refused(path, head)
    assert error.code == "bad_file"
    assert f"is of the format none; expected {FORMAT}" in error.message


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"width": 64}'])
def test_an_unreadable_config_is_refused(tmp_path, trained, head, text):
    path = tmp_path / "weights.safetensors"
    rewritten(path, trained, config=text)
    assert refused(path, head).code == "bad_file"


def test_missing_and_unknown_tensors_are_named(tmp_path, trained, head):
    state = checkpoint_state(trained)
    state["strange"] = state.pop("generator.embedding")
    path = tmp_path / "weights.safetensors"
    rewritten(path, trained, state)
    error = refused(path, head)
    assert error.code == "bad_file"
    assert "missing ['generator.embedding'], unknown ['strange']" in error.message


def test_values_that_are_not_finite_are_refused(tmp_path, trained, head):
    state = checkpoint_state(trained)
    state["generator.embedding"] = state["generator.embedding"] * float("nan")
    path = tmp_path / "weights.safetensors"
    rewritten(path, trained, state)
    assert "not finite in ['generator.embedding']" in refused(path, head).message


def test_a_checkpoint_of_one_attention_form_loads_in_the_other(checkpoint, trained, head):
    wanted = replace(trained.config, attention="reference", preset="mine")
    loaded = load_checkpoint(checkpoint, head, wanted)
    assert loaded.config == wanted
    state = checkpoint_state(trained)
    assert all(torch.equal(state[name], value) for name, value in checkpoint_state(loaded).items())


def test_a_checkpoint_of_another_network_than_the_wanted_one_is_named(checkpoint, trained, head):
    wanted = replace(trained.config, preset="mine", gating=False, disc_thickness=0.5)
    with pytest.raises(AvatarError) as error:
        load_checkpoint(checkpoint, head, wanted)
    assert error.value.code == "bad_file"
    assert (
        "weights.safetensors is of another network than the preset 'mine': "
        "gating (True instead of False), disc_thickness (0.3 instead of 0.5)"
    ) in error.value.message
    assert "'open'" in error.value.remedy


def test_an_encoder_that_came_with_a_checkpoint_stays_with_it(trained, head, tmp_path):
    path = tmp_path / "whole.safetensors"
    state = {name: value.contiguous() for name, value in trained.state_dict().items()}
    save_state(path, state, trained.config, "small")
    loaded = load_checkpoint(path, head)
    again = tmp_path / "again.safetensors"
    save_checkpoint(again, loaded)
    assert checkpoint_state(load_checkpoint(again, head)).keys() == state.keys()


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ("[" * 100_000, "has no readable config"),
        ("5", "has no readable config"),
        ('{"preset": "open"}', "The network setting head is 'nothing'"),
    ],
)
def test_a_config_that_cannot_be_is_told_with_the_file(trained, tmp_path, head, stored, says):
    path = tmp_path / "weights.safetensors"
    rewritten(path, trained, config=stored)
    error = refused(path, head)
    assert error.code == "bad_file"
    assert says in error.message
    assert error.message.startswith("weights.safetensors")
