"""The log opens by the system's way; the support bundle needs no backend."""

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from blender_addon.link import addon_log, settings
from shared.launcher import LaunchSettings
from shared.version import VERSION
from tests.blender.conftest import ROOT

Own = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder whose name has accents and spaces; no backend is installed in it."""
    home = tmp_path / "Jürgen Ångström"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    launch = LaunchSettings(home / "no-python", ROOT, home / ".config")
    monkeypatch.setattr(settings, "launch_settings", lambda: launch)
    monkeypatch.setattr(settings, "installed", lambda: False)
    return home


def _contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def _log(text: str) -> Path:
    log = settings.launch_settings().log_path
    log.parent.mkdir(exist_ok=True)
    log.write_text(text, "utf-8")
    return log


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="xdg-open is Linux's")
def test_the_log_is_opened_by_the_system(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "xdg-open"
    program.write_text(
        f"#!/bin/sh\n[ -e '{tmp_path}/broken' ] && exit 3\necho \"$1\" > '{tmp_path}/it'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(RuntimeError, match="There is no log yet"):
        bpy.ops.splitavatar.open_log()
    log = _log("words")
    assert bpy.ops.splitavatar.open_log() == {"FINISHED"}
    assert (tmp_path / "it").read_text() == f"{log}\n"
    (tmp_path / "broken").touch()
    with pytest.raises(RuntimeError, match="no program that opens") as found:
        bpy.ops.splitavatar.open_log()
    assert str(log) in str(found.value)


def test_without_a_backend_the_bundle_has_what_there_is_and_says_so(home: Path) -> None:
    _log(f"{home}/Pictures/Aunt Ida.jpg: No face\n")
    addon_log.LOG.error("frame 1 of %s", home / "Ida.savatar")
    out = home / "bundle.zip"
    assert bpy.ops.splitavatar.save_support_bundle(filepath=str(out)) == {"FINISHED"}
    found = _contents(out)
    assert set(found) == {"README.txt", "facts.txt", "backend.log", "addon.log"}
    assert f"SplitAvatar: {VERSION}" in found["facts.txt"]
    assert f"Blender: {bpy.app.version_string}" in found["facts.txt"]
    assert "The backend is not installed: <folder>" in found["facts.txt"]
    assert "frame 1 of" in found["addon.log"]
    assert not [t for t in found.values() if "ngstr" in t or "Ida" in t]


def test_with_a_backend_the_bundle_has_what_its_doctor_tells(
    own_backend: Own, tmp_path: Path
) -> None:
    own_backend()
    out = tmp_path / "bundle.zip"
    bpy.ops.splitavatar.save_support_bundle(filepath=str(out))
    assert "torch_geometric" in _contents(out)["facts.txt"]


def test_another_name_than_a_zip_s_is_refused(home: Path) -> None:
    with pytest.raises(RuntimeError, match="ends in"):
        bpy.ops.splitavatar.save_support_bundle(filepath=str(home / "bundle.txt"))
    assert list(home.iterdir()) == []
