"""Operators whose work takes a while."""

from pathlib import Path

import bpy
import pytest

from blender_addon.work import session
from shared import messages


def test_a_mistake_of_ours_is_reported_as_such(
    running: None, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(**values: object) -> object:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(messages, "CreateAvatar", broken)
    with pytest.raises(RuntimeError, match="failed: ZeroDivisionError: a mistake"):
        bpy.ops.splitavatar.create_avatar(filepath=str(portrait))
    assert session.get().activity is None
