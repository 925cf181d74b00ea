"""Install Backend follows the installer's JSON lines."""

import json
import sys
from pathlib import Path

import bpy
import pytest

from blender_addon import steps
from blender_addon.link import installing, settings
from shared.errors import AvatarError

PROGRESS = {
    "event": "progress", "phase": "collecting torch", "packages_done": 2, "packages_total": 9,
    "bytes_done": 5_000_000, "bytes_total": 20_000_000, "eta_s": 12.0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def online(empty_file: None) -> None:
    """Factory settings forbid the network."""
    bpy.context.preferences.system.use_online_access = True


def test_nothing_is_fetched_without_online_access() -> None:
    bpy.context.preferences.system.use_online_access = False
    assert not bpy.ops.splitavatar.install_backend.poll()
    with pytest.raises(AvatarError, match="Allow Online Access"):
        next(installing.install())


def _installer(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Puts `script` in the place of backend/install.py."""
    (folder / "backend").mkdir()
    (folder / "backend" / "install.py").write_text(script)
    monkeypatch.setattr(settings, "bundle", lambda: folder)
    monkeypatch.setattr(settings, "install_python", lambda: sys.executable)


def _print(*events: dict) -> str:
    lines = [f"print({json.dumps(json.dumps(event))}, flush=True)" for event in events]
    return "\n".join(lines) + "\n"


def test_progress_shows_packages_megabytes_and_time_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = {"event": "plan", "packages": 9, "target": "x"}
    _installer(
        monkeypatch,
        tmp_path,
        _print(plan, PROGRESS) + "input()\n" + _print({"event": "done"}),
    )
    work = installing.install("cpu")
    shown = next(work)
    while "torch" not in shown.text:
        shown = next(work)
    assert shown.text == "Collecting torch (2/9 packages, 5 of 20 MB), 12 s left"
    assert shown.factor == 0.25
    work.close()  # the installer waits for its standard input, whose end means: cancel


def test_a_finished_installation_returns_its_plan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _installer(monkeypatch, tmp_path, _print({"event": "plan", "packages": 9}, {"event": "done"}))
    assert steps.finish(installing.install(), lambda: None) == {"packages": 9}


def test_the_installers_error_arrives_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = {
        "event": "error", "code": "disk_full", "message": "Needs 2 GB.", "remedy": "Free space.",
    }  # fmt: skip
    _installer(monkeypatch, tmp_path, _print(told) + "raise SystemExit(1)\n")
    with pytest.raises(AvatarError, match=r"Needs 2 GB\. Free space\.") as caught:
        steps.finish(installing.install(), lambda: None)
    assert caught.value.code == "disk_full"


def test_an_installer_that_dies_tells_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _installer(monkeypatch, tmp_path, "raise SystemExit('the disk is on fire')\n")
    with pytest.raises(AvatarError, match="exit code 1: the disk is on fire"):
        steps.finish(installing.install(), lambda: None)


def test_a_python_that_does_not_start_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _installer(monkeypatch, tmp_path, "")
    monkeypatch.setattr(settings, "install_python", lambda: str(tmp_path / "no-python"))
    with pytest.raises(AvatarError, match="Choose another Python for Installing"):
        steps.finish(installing.install(), lambda: None)


def test_the_real_installer_is_started_with_arguments_that_it_takes(tmp_path: Path) -> None:
    import subprocess

    script = settings.bundle() / "backend" / "install.py"
    command = installing._command(script, "cpu")
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for option in [part for part in command if part.startswith("--")]:
        assert option in done.stdout


def test_the_plan_of_the_real_installer_tells_its_sizes() -> None:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the lock lists a torch for the CPU with Python 3.11 only")
    found = installing.plan("cpu")
    assert found["disk_bytes"] > found["download_bytes"] > 1e8
    assert found["torch"] == "cpu"
