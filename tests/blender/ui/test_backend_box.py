"""What the box says about the backend."""

from pathlib import Path

import pytest

from blender_addon.work import session
from shared.launcher import Launcher, LaunchSettings


def test_the_panel_text_names_device_and_preset(running: None) -> None:
    from blender_addon.ui.backend_box import state_text

    session.get().poll()
    assert state_text(session.get().state).startswith("Ready on fake")


def test_a_failed_backend_is_told_once() -> None:
    from blender_addon.ui.backend_box import trouble
    from shared.errors import AvatarError
    from shared.messages import BackendState

    failed = BackendState("failed", why="No weights.", remedy="Download them.")
    for error in (
        None,
        AvatarError("missing_weights", "No weights.", "Download them."),
        AvatarError("backend_died", "It ended.", "Start it."),
    ):
        told = trouble(failed, error)
        assert told is not None
        assert (told.message, told.remedy) == ("No weights.", "Download them.")
    other = AvatarError("bad_file", "No such file.", "Check it.")
    assert trouble(failed, other) is other
    died = AvatarError("backend_died", "It ended.", "Start it.")
    assert trouble(BackendState("ready"), died) is died


def test_work_that_is_cancelled_says_so_until_it_has_ended() -> None:
    from blender_addon.steps import Progress
    from blender_addon.ui.backend_box import words

    here = session.get()
    here.activity = session.Activity("Create Avatar", Progress("Refining", 3, 60, 12))
    try:
        assert words(here) == ("Refining 3 of 60, 12 s left", "NONE")
        here.activity.cancel = True
        assert words(here) == ("Cancelling...", "NONE")
    finally:
        here.activity = None


def test_an_old_launcher_does_not_hide_a_python_that_was_set_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blender_addon.link import backend, settings

    gone = LaunchSettings(python=tmp_path / "gone", root=tmp_path, user_folder=tmp_path)
    held = backend.Backend()
    held.launcher = Launcher(gone)
    monkeypatch.setattr(settings, "installed", lambda: False)
    assert held.state.state == "not_installed"
    monkeypatch.setattr(settings, "installed", lambda: True)
    assert held.state.state == "stopped"
