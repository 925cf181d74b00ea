"""Checkpoints of presets that are nothing without training."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.avatar.weights import trained_weights
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
