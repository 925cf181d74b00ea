"""A command line, an avatar and a track for it."""

from pathlib import Path

import numpy as np
import pytest

from backend.avatar import engines
from shared.flame import Track
from tests.fakes.fake_pipeline import FakeAvatar
from tests.unit.commands.line import Line


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Line:
    found = Line(capfd)
    monkeypatch.setattr(engines, "load_engine", found.engine)
    return found


@pytest.fixture
def avatar(tmp_path: Path) -> Path:
    path = tmp_path / "anna.savatar"
    FakeAvatar(b"a portrait").save(path)
    return path


@pytest.fixture
def track(tmp_path: Path) -> Path:
    path = tmp_path / "t.flame.npz"
    expression = np.zeros((5, 100), np.float32)
    expression[:, 24] = np.linspace(0, 1, 5)
    Track.neutral(5, expression=expression, fps=12.0).save(path)
    return path
