"""What the backend's process gets: an environment and a log."""

import os
from pathlib import Path

import pytest

from shared import backend_process
from shared.backend_process import backend_environment


def test_the_environment_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "elsewhere")
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)  # a machine may have a word of its own
    found = backend_environment()
    assert "PYTHONHOME" not in found
    assert "PYTHONPATH" not in found
    assert "PYTHONPYCACHEPREFIX" not in found
    assert found["KEPT"] == "1"
    assert found["OMP_WAIT_POLICY"] == "passive"
    assert found["PYTHONDONTWRITEBYTECODE"] == "1"
    assert os.environ["PYTHONHOME"] == "/elsewhere"


def test_a_large_log_is_rotated_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_process, "LOG_BYTES", 10)
    log = tmp_path / "backend.log"
    for text in ("first start", "second start", "third start!", "fourth start"):
        log.write_text(text)
        backend_process._rotate(log)
    names = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert names == {
        "backend.log.1": "fourth start",
        "backend.log.2": "third start!",
        "backend.log.3": "second start",
    }


def test_a_small_log_is_continued(tmp_path: Path) -> None:
    log = tmp_path / "backend.log"
    log.write_text("short")
    backend_process._rotate(log)
    assert log.read_text() == "short"
