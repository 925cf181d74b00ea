"""What the launcher decides without a process."""

import sys
from pathlib import Path

import pytest

from shared.errors import AvatarError
from shared.launcher import Launcher, LaunchSettings


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
