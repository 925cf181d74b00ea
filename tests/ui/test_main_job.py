"""The main job by mouse: from the installed zip to a person who moves, and her files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .window import Box, Window

MAKING_S = 170
SHADERS_S = 120
"""How long a software renderer may compile what Blender draws splats with."""

SURPRISED = 2
"""Place in the menu of expressions."""

EXPORT = "export_ply(frames='FRAME', axes='blender', compact=False, zeros=False)"

RIGHT = 0.81
"""Where in the sidebar's width the X of a row is."""

END, CLOSED_PX, TICKS = 300, 14, 0.1
"""Turns of the wheel to the sidebar's end; how far above it the middle of a closed panel is; where
in its width ticks are."""

WORKING = ("create_avatar", "sample_avatar", "open_avatar")
"""Buttons that are there before, during and after work."""


def head_box(window: Window, reach_px: int = 60) -> Box:
    """The middle of the face on the screen."""
    x, y = window.ask("on_screen(rig().matrix_world @ head_middle())")
    return int(x) - reach_px, int(y) - reach_px, int(x) + reach_px, int(y) + reach_px


def skin_share(picture: np.ndarray) -> float:
    """Part of a picture that has the colours of skin, whatever its light."""
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return float(((red > green + 12) & (green > blue + 3) & (red > 70)).mean())


def changed(picture: np.ndarray, before: np.ndarray) -> float:
    """Part of a picture that looks different."""
    return float((np.abs(picture.astype(int) - before).max(axis=2) > 20).mean())


def test_start_appears_as_soon_as_a_python_is_set(window: Window, backend_python: str) -> None:
    assert window.ask("state()") == "not_installed"
    window.keep("install")
    window.ask(f"setattr(preferences(), 'backend_python', {backend_python!r})")
    window.wait("state() == 'stopped'")
    assert "start_backend" in window.rows("start_backend")


def test_one_click_makes_the_sample_avatar_and_no_button_moves_meanwhile(window: Window) -> None:
    before = window.rows("open_avatar")
    window.press("sample_avatar")
    window.wait("not idle()")
    window.wait("'Refining' in words() and 'left' in words()", MAKING_S)
    window.keep("working")
    during = window.rows("open_avatar")
    assert {name: before[name] for name in WORKING} == {name: during[name] for name in WORKING}
    window.wait("idle()", MAKING_S)
    assert window.ask("error()") == ""
    assert window.ask("rig().name") == "Astronaut"


def test_the_person_is_seen_at_once_and_not_inside_the_cube(window: Window) -> None:
    box = head_box(window)
    left, top, right, bottom = window.ask("rectangle()")
    assert left < box[0] < box[2] < right
    assert top < box[1] < box[3] < bottom
    window.until(lambda: skin_share(window.look(box)) > 0.5, "a face", SHADERS_S)
    window.settle()
    low, high = window.ask("bounds(bpy.data.objects['Cube'])")
    head_low, head_high = window.ask("bounds(rig().splitavatar.cloud)")
    clear = [head_low[i] > high[i] or head_high[i] < low[i] for i in range(3)]
    assert any(clear)
    window.keep("new-avatar", "WINDOW")
    window.keep("avatar")


@pytest.fixture
def calm(window: Window) -> None:
    """Nothing that takes long to draw, which the mouse would wait for; the panel from its top."""
    window.ask("show('MESH', 'SOLID')")
    window.scroll_up()


def test_an_expression_from_the_menu_moves_the_face(window: Window) -> None:
    box = head_box(window, 90)
    window.ask("show('MESH', 'SOLID')")
    window.until(lambda: skin_share(window.look(box)) < 0.1, "the mesh, which is grey")
    before = window.settle(box)
    window.press_between("set_pose(pose='NEUTRAL')", "add_gaze_target")
    window.pick(SURPRISED)
    window.wait("rig()['jawOpen'] > 0.3")
    window.until(lambda: changed(window.look(box), before) > 0.03, "another face")


def test_the_portrait_camera_is_added_once(window: Window, calm: None) -> None:
    for _ in range(2):
        window.press("add_camera")
        window.wait("bpy.context.scene.camera.name == 'Astronaut Portrait'")
    assert window.ask("[o.name for o in bpy.data.objects if o.type == 'CAMERA']") == [
        "Astronaut Portrait",
        "Camera",
    ]
    assert window.ask("view().spaces[0].region_3d.view_perspective") == "CAMERA"


def test_the_previewed_frame_is_a_photograph(window: Window, calm: None) -> None:
    box = head_box(window, 40)
    assert skin_share(window.look(box)) < 0.1
    window.press("preview_frame")
    window.until(lambda: skin_share(window.look(box)) > 0.5, "a face", 60)
    window.wait("idle()")
    window.keep("preview", "WINDOW")
    window.ask("run('bpy.ops.splitavatar.clear_preview()')")


def test_a_frame_is_exported(window: Window, calm: None, tmp_path: Path) -> None:
    window.ask(f"setattr(bpy.context.scene.splitavatar, 'output_folder', {str(tmp_path)!r})")
    window.press(EXPORT)
    window.until(lambda: any(tmp_path.glob("*.ply")), "a file", 60)
    window.wait("idle()", 60)
    window.scroll(20)
    window.keep("output")
    assert [path.name for path in tmp_path.glob("*.ply")] == ["Astronaut_0001.ply"]


def test_what_went_wrong_is_told_in_its_place_and_whole_on_a_click(
    window: Window, calm: None
) -> None:
    before = window.rows("open_avatar")
    call = "bpy.ops.splitavatar.open_avatar('EXEC_DEFAULT', filepath='/no/such.savatar')"
    window.ask(f"run({call!r})")
    window.wait("idle() and error()")
    assert window.ask("words()") == "There is no file /no/such.savatar. Choose a .savatar file."
    after = window.rows("open_avatar")
    assert {name: before[name] for name in WORKING} == {name: after[name] for name in WORKING}
    window.keep("trouble")
    window.press("dismiss_error", RIGHT)
    window.wait("error() == ''")


def test_a_lost_avatar_file_is_said_where_it_matters(window: Window, calm: None) -> None:
    path = Path(window.ask("rig().splitavatar.avatar_path"))
    before = window.rows("add_camera")
    path.rename(path.with_suffix(".away"))
    try:
        after = window.rows("add_camera")
        window.keep("lost-file")
    finally:
        path.with_suffix(".away").rename(path)
    assert "relink_avatar" not in before
    assert after.pop("relink_avatar") < after["preview_frame"]
    assert after["add_camera"] == before["add_camera"]


def test_cancelling_is_said_until_the_backend_is_free(window: Window, calm: None) -> None:
    window.press("sample_avatar")
    window.wait("not idle()")
    window.press("cancel_work", RIGHT)  # looking for it may take longer than one phase
    window.wait("words() == 'Cancelling...' or idle()")
    window.wait("idle()", MAKING_S)
    assert window.ask("state()") == "ready"
    assert window.ask("[o.name for o in bpy.data.objects if o.type == 'ARMATURE']") == ["Astronaut"]


def test_layers_are_hidden_by_their_ticks(window: Window, calm: None) -> None:
    box = head_box(window, 40)
    _, _, _, bottom = window.ask("rectangle('UI')")
    window.scroll(END)
    window.click(window.across(0.5), bottom - CLOSED_PX)  # Layers, the last of all panels, opens
    window.scroll(END)
    window.keep("layers")
    rows = window.rows("all of them", TICKS)
    _, _, *of_the_head = sorted(y for name, y in rows.items() if "Playback" in name)[:6]
    for seen in (False, True):
        for y in of_the_head:
            window.click(window.across(TICKS), y)
        window.ask("show('SPLATS', 'SOLID')")
        window.until(
            lambda seen=seen: (skin_share(window.look(box)) > 0.5) == seen, "the layers", SHADERS_S
        )
        assert (skin_share(window.settle(box)) > 0.5) == seen
        window.ask("show('MESH', 'SOLID')")
    window.scroll_up()
