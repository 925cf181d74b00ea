"""What a run refuses before it begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.model.checkpoint import checkpoint_state, save_checkpoint
from backend.model.splitavatar import SplitAvatar
from backend.training.checks import check_data, check_same_run, check_share, start_from
from backend.training.settings import Settings, settings_of
from shared.errors import AvatarError
from tests.fakes.drawn_clips import TINY, DrawnClips, open_head
from tests.unit.training.tiny_run import SETTINGS, state


def test_a_run_goes_on_with_its_own_head_and_settings_only():
    check_same_run(state(), SETTINGS, open_head())
    later = settings_of({**TINY, "iterations": 99, "workers": 1, "accumulate": 2})
    check_same_run(state(), later, open_head())
    with pytest.raises(AvatarError, match="belongs to the head another") as found:
        check_same_run(state(head="another"), SETTINGS, open_head())
    assert found.value.code == "head_mismatch"
    wider = settings_of({**TINY, "width": 16})
    with pytest.raises(AvatarError, match="width was 8 and is 16"):
        check_same_run(state(), wider, open_head())


def test_data_of_another_head_or_size_is_refused():
    data = DrawnClips()
    check_data(SETTINGS, data, open_head())
    larger = Settings(replace(SETTINGS.model, image_size=128), SETTINGS.train)
    with pytest.raises(AvatarError, match="64 px wide; the preset 'tiny' expects 128"):
        check_data(larger, data, open_head())
    data.head = "flame2020"
    with pytest.raises(AvatarError, match="is of the head 'flame2020'"):
        check_data(SETTINGS, data, open_head())


def test_a_batch_that_cannot_be_shared_is_refused():
    check_share(SETTINGS, 2)
    with pytest.raises(AvatarError, match="batch of 2 cannot be shared by 3 processes"):
        check_share(SETTINGS, 3)


def test_a_start_may_lack_the_splitting_and_nothing_else(tmp_path: Path):
    plain = settings_of({**TINY, "layers": 0, **{k: v[:1] for k, v in TINY.items()
                         if isinstance(v, list)}})  # fmt: skip
    before = SplitAvatar(plain.model, open_head(), seed=3)
    save_checkpoint(tmp_path / "plain.safetensors", before)
    model, new = start_from(tmp_path / "plain.safetensors", SETTINGS, open_head())
    assert new == ["decoders", "embeddings", "masks", "splitting"]
    for name, value in checkpoint_state(before).items():
        torch.testing.assert_close(checkpoint_state(model)[name], value, rtol=0, atol=0)
    wider = settings_of({**TINY, "width": 16})
    with pytest.raises(AvatarError, match="do not fit the preset 'tiny'"):
        start_from(tmp_path / "plain.safetensors", wider, open_head())
    with pytest.raises(AvatarError, match="no checkpoint") as found:
        start_from(tmp_path / "none.safetensors", SETTINGS, open_head())
    assert found.value.code == "missing_weights"
