"""`support` packs what helps."""

import zipfile
from pathlib import Path

import pytest

from shared.version import VERSION
from tests.unit.commands.line import Line


def test_the_bundle_has_doctor_s_facts_and_the_logs_of_commands_and_blenders(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "Zoë van Dyck"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("APPDATA", str(home))
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(home / "assets"))
    monkeypatch.setattr("sys.platform", "linux")
    log = home / ".config/blender/4.5/extensions/.user/user_default/splitavatar/backend.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"words of the backend in {log}\n", "utf-8")
    line.pipeline.faults.name = "bug"
    (home / "p.jpg").write_bytes(b"a portrait")
    line("create", home / "p.jpg", code=1)
    out = home / "bundle.zip"
    assert "backend.log" in line("support", "--out", out)
    with zipfile.ZipFile(out) as archive:
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "ZeroDivisionError" in found["commands.log"]
    assert "words of the backend in ~" in found["backend.log"]
    assert f"SplitAvatar: {VERSION}" in found["facts.txt"]
    assert "torch_geometric" in found["facts.txt"]
    assert "open_head.npz" in found["facts.txt"]
    assert not [text for text in found.values() if "Dyck" in text]


def test_another_name_than_a_zip_s_is_refused(line: Line, tmp_path: Path) -> None:
    line("support", "--out", tmp_path / "b.txt", code=1)
    assert line.err.splitlines()[0].endswith("expected one that ends in .zip.")
