"""The main job by mouse: from the installed zip to a person who moves, and her files."""

from __future__ import annotations

from pathlib import Path

from .window import Window


def test_start_appears_as_soon_as_a_python_is_set(window: Window, backend_python: str) -> None:
    assert window.ask("state()") == "not_installed"
    window.ask(f"setattr(preferences(), 'backend_python', {backend_python!r})")
    window.wait("state() == 'stopped'")
    assert "start_backend" in window.rows("start_backend")


def test_one_click_makes_the_sample_avatar(window: Window) -> None:
    window.press("sample_avatar")
    window.wait("not idle()")
    window.wait("idle()", 170)
    assert window.ask("error()") == ""
    assert window.ask("rig().name") == "Astronaut"


def test_a_frame_is_exported(window: Window, tmp_path: Path) -> None:
    window.ask(f"setattr(bpy.context.scene.splitavatar, 'output_folder', {str(tmp_path)!r})")
    window.ask("bpy.ops.splitavatar.export_ply('EXEC_DEFAULT', frames='FRAME')")
    window.wait("idle()", 60)
    assert [path.name for path in tmp_path.glob("*.ply")] == ["Astronaut_0001.ply"]
