"""Checkpoints of presets that are nothing without training."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.avatar.weights import UNTRAINED, trained_weights, weights_of
from shared.errors import AvatarError


def test_a_preset_without_its_weights_says_which_command_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    with pytest.raises(AvatarError) as error:
        trained_weights("gagavatar")
    assert error.value.code == "missing_weights"
    assert str(tmp_path / "checkpoints" / "gagavatar.safetensors") in error.value.message
    assert "python -m backend convert GAGAvatar.pt" in error.value.remedy


def test_none_is_an_untrained_network_where_that_is_of_use():
    assert weights_of("open", UNTRAINED, refines=False) is None
    assert weights_of("open", None, refines=False) is None
    assert weights_of("open", Path("mine.safetensors"), refines=False) == Path("mine.safetensors")
    with pytest.raises(AvatarError, match="gagavatar is nothing without weights"):
        weights_of("gagavatar", UNTRAINED, refines=True)
