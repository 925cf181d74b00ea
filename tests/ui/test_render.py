"""F12 in a window, where Blender renders in a thread of its own. After test_main_job."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backend.export.png import read_png

from .test_main_job import skin_share
from .window import ROW_PX, Window

RENDER = """[
    setattr(bpy.context.scene.render, "engine", "SPLITAVATAR"),
    setattr(bpy.context.scene.render, "resolution_percentage", 50),
    bpy.ops.render.render("INVOKE_DEFAULT", write_still=True),
]"""


REFINED = """[
    setattr(bpy.context.scene.render, "engine", "CYCLES"),
    setattr(bpy.context.scene.cycles, "samples", 4),
    setattr(bpy.context.scene.cycles, "use_denoising", False),
    setattr(bpy.context.scene.render, "film_transparent", True),
    bpy.ops.splitavatar.refine_renders(),
    bpy.ops.render.render("INVOKE_DEFAULT", write_still=True),
]"""


ADDED = "addon('scene.compositing').is_added(bpy.context.scene)"


def test_the_render_tab_has_a_button_that_refines_renders(window: Window) -> None:
    window.ask("setattr(bpy.context.scene.render, 'engine', 'CYCLES')")
    window.ask("render_tab('Refine Avatars')")
    window.keep("render", "WINDOW", "PROPERTIES")
    assert not window.ask(ADDED)
    for button in ("refine_renders", "refine_no_more"):
        press(window, button)
        window.wait(ADDED if button == "refine_renders" else f"not {ADDED}")
    window.ask("render_tab('')")


def press(window: Window, button: str) -> None:
    """Clicks a button of the properties editor."""
    left, top, right, bottom = window.ask("rectangle('WINDOW', 'PROPERTIES')")
    for y in range(top + 4, bottom - 4, ROW_PX):
        window.move((left + right) / 2, y)
        if window.ask("under_mouse('WINDOW', 'PROPERTIES')") == button:
            window.click((left + right) / 2, y + ROW_PX / 2)
            return
    raise AssertionError(f"{button} is not in the properties editor")


def test_f12_by_the_engine_shows_the_person(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "person.png"
    window.ask(f"setattr(bpy.context.scene.render, 'filepath', {str(path)!r})")
    window.ask(RENDER)
    window.until(lambda: path.is_file() and path.stat().st_size > 0, "a picture", 90)
    window.wait("not bpy.app.is_job_running('RENDER')")
    picture = read_png(path)[..., :3]
    assert picture.shape == (256, 256, 3)
    assert skin_share(picture[100:200, 80:180]) > 0.5


def test_f12_by_cycles_shows_the_person_as_the_engine_does(window: Window, tmp_path: Path) -> None:
    alone, among = tmp_path / "alone.png", tmp_path / "among.png"
    window.ask("setattr(bpy.context.scene.view_settings, 'view_transform', 'Standard')")
    window.ask("setattr(bpy.context.scene.render, 'film_transparent', True)")
    window.ask("setattr(bpy.context.scene.render, 'dither_intensity', 0)")
    pictures = []
    for path, how in ((alone, RENDER), (among, REFINED)):
        window.ask(f"setattr(bpy.context.scene.render, 'filepath', {str(path)!r})")
        window.ask(how)
        window.until(lambda path=path: path.is_file() and path.stat().st_size > 0, "a picture", 90)
        window.wait("not bpy.app.is_job_running('RENDER')")
        pictures.append(read_png(path).astype(int))
    assert window.ask("error()") == ""
    opaque = pictures[0][..., 3] == 255
    gaps = np.abs(pictures[0] - pictures[1])[opaque]
    assert gaps.max() <= 1
    window.ask("bpy.ops.splitavatar.refine_no_more()")


BLURRED = """[
    setattr(bpy.context.scene.render, "use_motion_blur", True),
    rig().keyframe_insert('["jawOpen"]', frame=bpy.context.scene.frame_current - 2),
    rig().__setitem__("jawOpen", 1.0),
    rig().keyframe_insert('["jawOpen"]', frame=bpy.context.scene.frame_current + 2),
    bpy.context.scene.frame_set(bpy.context.scene.frame_current),
]"""
SHARP = """[
    setattr(bpy.context.scene.render, "use_motion_blur", False),
    rig().animation_data_clear(),
    rig().__setitem__("jawOpen", 0.0),
    bpy.context.scene.frame_set(bpy.context.scene.frame_current),
]"""
"""As it was, for the tests that follow."""


def test_f12_blurs_a_head_that_moves_and_stays_at_its_frame(window: Window, tmp_path: Path) -> None:
    window.ask(BLURRED)
    frame = window.ask("bpy.context.scene.frame_current_final")
    pictures = {}
    for name, blurred in (("sharp", False), ("blurred", True)):
        path = tmp_path / f"{name}.png"
        window.ask(f"setattr(bpy.context.scene.render, 'use_motion_blur', {blurred})")
        window.ask(f"setattr(bpy.context.scene.render, 'filepath', {str(path)!r})")
        window.ask(RENDER)
        window.until(lambda path=path: path.is_file() and path.stat().st_size > 0, "a picture", 90)
        window.wait("not bpy.app.is_job_running('RENDER')")
        pictures[name] = read_png(path).astype(int)
    assert window.ask("error()") == ""
    assert window.ask("bpy.context.scene.frame_current_final") == frame
    gaps = np.abs(pictures["sharp"] - pictures["blurred"])[..., :3].max(axis=-1)
    assert gaps[150:].max() > 20, "the chin is not blurred"
    assert np.percentile(gaps[:100], 90) <= 2, "what stands still is blurred"
    window.ask(SHARP)
