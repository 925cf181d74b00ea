"""house/window.py: what is said where no Blender with a window can be had."""

from pathlib import Path

import pytest

from house import suites, window
from house.environments import Missing


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the programs that a test puts into this folder, and Debian's keys."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(window, "FOLDER", tmp_path / "blender-window")
    (tmp_path / "keys.gpg").touch()
    monkeypatch.setattr(window, "KEYRING", tmp_path / "keys.gpg")
    return tmp_path


def program(path: Path, text: str = "exit 0") -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_screen_and_a_mouse_that_are_missing_are_named(tools: Path) -> None:
    program(tools / "Xvfb")
    found = window.ensure_window()
    assert isinstance(found, Missing)
    assert found.reason == "needs a screen and a mouse: apt-get install xdotool"


def test_an_old_blender_on_the_path_is_not_taken(tools: Path) -> None:
    for name in window.TOOLS:
        program(tools / name)
    program(tools / "blender", "echo Blender 3.4.1")
    found = window.ensure_window()
    assert isinstance(found, Missing)
    assert "no Blender 4.2 or newer on the path" in found.reason


def test_a_new_blender_on_the_path_is_taken_as_it_is(tools: Path) -> None:
    for name in window.TOOLS:
        program(tools / name)
    program(tools / "blender", "echo Blender 5.2.2 LTS")
    assert window.ensure_window() == window.WindowBlender([str(tools / "blender")])


def test_debian_s_blender_is_not_taken_when_it_is_newer_than_tried(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in window.TOOLS:
        program(tools / name)
    program(tools / "unpacked", "echo Blender 5.9.0")
    (window.FOLDER / "usr/bin").mkdir(parents=True)
    (window.FOLDER / "usr/bin/blender").touch()
    made = window.WindowBlender([str(tools / "unpacked")])
    monkeypatch.setattr(window, "_unpacked", lambda: made)
    found = window.ensure_window()
    assert isinstance(found, Missing)
    assert "Debian has Blender 5.9 now" in found.reason
    program(tools / "unpacked", "echo Blender 5.2.1")
    assert window.ensure_window() == made


def test_packages_that_cannot_be_fetched_are_a_reason_in_their_own_words(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window.platform, "machine", lambda: "x86_64")
    for name in (*window.TOOLS, "dpkg-deb"):
        program(tools / name)
    program(tools / "apt-get", "echo 'Temporary failure resolving' >&2; exit 100")
    found = window.ensure_window()
    assert isinstance(found, Missing)
    assert "Temporary failure resolving" in found.reason
    assert not (tools / "blender-window").exists()


def test_the_suite_is_skipped_with_that_reason(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = suites.Tally()
    suites.run_ui(tools, tally)
    assert tally.skips == ["ui: needs a screen and a mouse: apt-get install xvfb xdotool"]
