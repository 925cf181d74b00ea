"""Where the backend lives."""

from pathlib import Path

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
