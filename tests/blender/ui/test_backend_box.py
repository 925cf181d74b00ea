"""What the box says about the backend."""

from blender_addon.work import session


def test_the_panel_text_names_device_and_preset(running: None) -> None:
    from blender_addon.ui.backend_box import state_text

    session.get().poll()
    assert state_text(session.get().state).startswith("Ready on fake")
