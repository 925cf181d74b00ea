"""F12 in a window, where Blender renders in a thread of its own. After test_main_job."""

from __future__ import annotations

from pathlib import Path

from backend.export.png import read_png

from .test_main_job import skin_share
from .window import Window

RENDER = """[
    setattr(bpy.context.scene.render, "engine", "SPLITAVATAR"),
    setattr(bpy.context.scene.render, "resolution_percentage", 50),
    bpy.ops.render.render("INVOKE_DEFAULT", write_still=True),
]"""


def test_f12_by_the_engine_shows_the_person(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "person.png"
    window.ask(f"setattr(bpy.context.scene.render, 'filepath', {str(path)!r})")
    window.ask(RENDER)
    window.until(lambda: path.is_file() and path.stat().st_size > 0, "a picture", 90)
    window.wait("not bpy.app.is_job_running('RENDER')")
    picture = read_png(path)[..., :3]
    assert picture.shape == (256, 256, 3)
    assert skin_share(picture[100:200, 80:180]) > 0.5
