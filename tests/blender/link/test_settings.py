"""Where the backend lives."""

from pathlib import Path

import bpy
import pytest

from blender_addon.link import settings


def test_a_half_made_installation_is_not_taken_for_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "install_folder", lambda: tmp_path)
    python = settings.python_path()
    python.parent.mkdir(parents=True)
    python.write_text("")
    assert not settings.installed()
    (tmp_path / settings.INSTALL_MARKER).write_text("{}")
    assert settings.installed()


def test_new_avatars_go_beside_the_blend_or_into_the_library_as_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = {"new_avatars": "BLEND", "library_folder": ""}
    monkeypatch.setattr(settings, "_setting", chosen.get)
    monkeypatch.setattr(settings, "user_folder", lambda: tmp_path / "user")
    assert settings.avatar_folder() == tmp_path / "user" / "avatars"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert settings.avatar_folder() == tmp_path / "avatars"
    chosen["new_avatars"] = "LIBRARY"
    assert settings.avatar_folder() == tmp_path / "user" / "avatars"
    chosen["library_folder"] = "//people"
    assert settings.avatar_folder() == tmp_path / "people"
