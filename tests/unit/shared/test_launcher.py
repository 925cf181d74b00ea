"""What the launcher decides without a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared import launcher as module
from shared.errors import AvatarError
from shared.launcher import Launcher, LaunchSettings, backend_environment


def settings(tmp_path: Path, python: Path) -> LaunchSettings:
    return LaunchSettings(python, Path.cwd(), tmp_path)


def test_a_missing_interpreter_is_not_installed_and_cannot_be_started(tmp_path: Path) -> None:
    launcher = Launcher(settings(tmp_path, tmp_path / "no-python"))
    assert launcher.poll().state == "not_installed"
    with pytest.raises(AvatarError, match="not installed") as found:
        launcher.start()
    assert found.value.code == "backend_not_installed"
    assert "Install Backend" in found.value.remedy


def test_an_installed_backend_is_stopped_at_first(tmp_path: Path) -> None:
    launcher = Launcher(settings(tmp_path, Path(sys.executable)))
    assert launcher.poll().state == "stopped"
    assert launcher.client is None
    launcher.stop()
    assert launcher.wait_stopped()


def test_a_program_that_cannot_run_is_a_failure_with_a_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("no program")
    launcher = Launcher(settings(tmp_path, broken))
    with pytest.raises(AvatarError, match="could not be started"):
        launcher.start()
    assert launcher.state.state == "failed"
    assert launcher.state.remedy


def test_the_environment_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "elsewhere")
    monkeypatch.setenv("KEPT", "1")
    found = backend_environment()
    assert "PYTHONHOME" not in found
    assert "PYTHONPATH" not in found
    assert "PYTHONPYCACHEPREFIX" not in found
    assert found["KEPT"] == "1"
    assert found["OMP_WAIT_POLICY"] == "passive"
    assert found["PYTHONDONTWRITEBYTECODE"] == "1"
    assert os.environ["PYTHONHOME"] == "/elsewhere"


def test_connection_files_of_gone_parents_are_swept_away(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid in (gone.pid, os.getpid()):
        (tmp_path / f"connection-{pid}.json").touch()
    (tmp_path / "connection-notes.json").touch()
    module._sweep(tmp_path)
    kept = {f"connection-{os.getpid()}.json", "connection-notes.json"}
    assert {p.name for p in tmp_path.iterdir()} == kept


def test_a_large_log_is_rotated_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_BYTES", 10)
    log = tmp_path / "backend.log"
    for text in ("first start", "second start", "third start!", "fourth start"):
        log.write_text(text)
        module._rotate(log)
    names = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert names == {
        "backend.log.1": "fourth start",
        "backend.log.2": "third start!",
        "backend.log.3": "second start",
    }


def test_a_small_log_is_continued(tmp_path: Path) -> None:
    log = tmp_path / "backend.log"
    log.write_text("short")
    module._rotate(log)
    assert log.read_text() == "short"
