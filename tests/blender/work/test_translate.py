"""FLAME's codes are translated by a backend that runs and has FLAME's file, or by nobody."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from blender_addon.work import session, translate

CODES = np.ones((3, 100), np.float32)


def test_without_a_running_backend_nobody_translates_and_none_is_started() -> None:
    assert translate.arkit_weights("flame2020", CODES) is None
    assert session.get().client is None


def test_a_backend_without_flame_s_file_does_not_translate(
    own_backend: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path / "nothing"))
    own_backend()
    session.finish(session.get().ensure_ready())
    assert translate.arkit_weights("flame2020", CODES) is None
    assert session.get().client is not None
