"""The add-on is switched off in the preferences while something goes on. After test_render."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_main_job import MAKING_S
from .window import SIZE, Window

OFF = "bpy.ops.preferences.addon_disable(module=MODULE)"
ON = "bpy.ops.preferences.addon_enable(module=MODULE)"
STATUS = (0, SIZE[1] - 22, 400, SIZE[1])
"""Where Blender's status bar says what is under way, left of what it reports."""

CYCLES = """[
    setattr(bpy.context.scene.render, "engine", "CYCLES"),
    setattr(bpy.context.scene.cycles, "samples", 8),
    setattr(bpy.context.scene.render, "resolution_percentage", 25),
    setattr(bpy.context.scene, "frame_end", 12),
    bpy.ops.splitavatar.refine_renders(),
    bpy.ops.render.render("INVOKE_DEFAULT", animation=True),
]"""

HIDDEN = "sum('SplitAvatar Drawn as Splats' in o.modifiers for o in bpy.data.objects)"
"""How many clouds show no points, because their splats are drawn."""


@pytest.fixture
def own_python(window: Window, backend_python: str) -> Iterator[None]:
    """Blender forgets an add-on's preferences when it is switched off."""
    yield
    window.ask(f"setattr(preferences(), 'backend_python', {backend_python!r})")


def backend_of(window: Window) -> Path:
    """What the system has of the backend's process as long as it is there."""
    return Path("/proc") / str(window.ask('addon("session").get().launcher.pid'))


def has_words(window: Window) -> bool:
    """Whether the status bar says something."""
    return bool(window.look(STATUS).max() > 120)


def test_while_an_avatar_is_made_everything_ends(window: Window, own_python: None) -> None:
    left, top, right, bottom = window.ask("rectangle()")
    window.move((left + right) / 2, (top + bottom) / 2)
    assert not has_words(window)
    window.ask("""run("bpy.ops.splitavatar.sample_avatar('INVOKE_DEFAULT')")""")
    window.wait("'Refining' in words()", MAKING_S)
    window.until(lambda: has_words(window), "words in the status bar")
    backend = backend_of(window)
    assert backend.exists()
    window.ask(OFF)
    assert not backend.exists()
    window.until(lambda: not has_words(window), "an empty status bar")
    assert not window.ask("any(window().modal_operators)")
    window.ask(ON)
    assert window.ask("idle()")
    assert window.ask("error()") == ""
    assert window.ask("[o.name for o in bpy.data.objects if o.type == 'ARMATURE']") == ["Astronaut"]


def test_while_cycles_renders_it_goes_on(window: Window, own_python: None, tmp_path: Path) -> None:
    window.ask("""run("bpy.ops.splitavatar.start_backend('INVOKE_DEFAULT')")""")
    window.wait("state() == 'ready' and idle()", 60)
    backend = backend_of(window)
    window.ask("show('SPLATS', 'SOLID')")
    window.wait(f"{HIDDEN} == 1")
    window.ask(f"setattr(bpy.context.scene.render, 'filepath', {str(tmp_path / 'f_')!r})")
    window.ask(CYCLES)
    window.until(lambda: any(tmp_path.glob("f_*.png")), "a frame", 90)
    window.ask(OFF)
    assert window.ask("bpy.app.is_job_running('RENDER')")
    assert window.ask(HIDDEN) == 1  # to take modifiers away now makes Blender crash
    assert not backend.exists()
    window.wait("not bpy.app.is_job_running('RENDER')", 120)
    window.wait(f"{HIDDEN} == 0")
    assert len(list(tmp_path.glob("f_*.png"))) == 12
    window.wait("not addon('work.render_engine').SplitAvatarEngine.is_registered")
    window.ask(ON)
    window.ask("setattr(bpy.context.scene.render, 'engine', 'SPLITAVATAR')")
    assert window.ask("state()") in ("stopped", "not_installed")
