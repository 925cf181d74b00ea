"""Operators whose work takes a while."""

from pathlib import Path

import bpy
import pytest

from blender_addon.link import addon_log
from blender_addon.work import session
from shared import messages


def test_a_mistake_of_ours_is_reported_as_such(
    running: None, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(**values: object) -> object:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(messages, "CreateAvatar", broken)
    with pytest.raises(RuntimeError, match=r"failed: a mistake\. Please report it with a support"):
        bpy.ops.splitavatar.create_avatar(filepath=str(portrait))
    assert session.get().activity is None
    assert "ZeroDivisionError: a mistake" in addon_log.path().read_text("utf-8")
