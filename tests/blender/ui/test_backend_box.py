"""What the box says about the backend."""

from blender_addon.work import session


def test_the_panel_text_names_device_and_preset(running: None) -> None:
    from blender_addon.ui.backend_box import state_text

    session.get().poll()
    assert state_text(session.get().state).startswith("Ready on fake")


def test_a_failed_backend_is_told_once() -> None:
    from blender_addon.ui.backend_box import _told
    from shared.errors import AvatarError
    from shared.messages import BackendState

    failed = BackendState("failed", why="No weights.", remedy="Download them.")
    assert _told(failed, AvatarError("missing_weights", "No weights.", "Download them."))
    assert _told(failed, AvatarError("backend_died", "It ended.", "Start it."))
    assert not _told(failed, AvatarError("bad_file", "No such file.", "Check it."))
    assert not _told(BackendState("ready"), AvatarError("backend_died", "It ended.", "Start it."))
