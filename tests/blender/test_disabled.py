"""The add-on is disabled while something goes on: that ends, and nothing of it is left."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

import blender_addon
from blender_addon import steps
from blender_addon.operators import long_operation
from blender_addon.operators.long_operation import LongOperation
from blender_addon.scene import compositing, properties
from blender_addon.work import pump, render_engine, render_passes, session
from tests.blender.seen import keyed

Own = Callable[..., None]
TIMER = SimpleNamespace(type="TIMER", value="NOTHING")


@pytest.fixture(autouse=True)
def enabled_again() -> Iterator[None]:
    yield
    if not hasattr(bpy.types.Scene, "splitavatar"):
        blender_addon.register()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operators that gave back their timer, the mouse's number and the status bar."""
    found: list[str] = []
    end = LongOperation._end_modal

    def note(operator: LongOperation, context: bpy.types.Context) -> None:
        end(operator, context)
        found.append(operator.title)

    monkeypatch.setattr(LongOperation, "_end_modal", note)
    monkeypatch.setattr(long_operation, "STEPS_S", 0.0)  # one step a tick
    return found


def _backends(folder: Path) -> list[str]:
    """Processes of this test's backend."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if "serve" in line and str(folder) in line]


def _modal(name: str, until: str, **given: Any) -> Any:
    """An operator that runs as in a window, as soon as its work is at a phase."""
    assert getattr(bpy.ops.splitavatar, name)("EXEC_DEFAULT", **given) == {"RUNNING_MODAL"}
    (operator,) = bpy.context.window.modal_operators
    activity = session.get().activity
    assert activity is not None
    while not activity.progress.phase.startswith(until):
        assert operator.modal(bpy.context, TIMER) == {"RUNNING_MODAL"}
    return operator


def _avatar(portrait: Path, folder: Path) -> bpy.types.Object:
    bpy.ops.splitavatar.create_avatar(
        filepath=str(portrait), avatar_path=str(folder / "grace.savatar")
    )
    found = properties.active_rig(bpy.context)
    assert found is not None
    keyed(found)
    return found


def test_an_avatar_that_is_being_made(
    own_backend: Own,
    portrait: Path,
    tmp_path: Path,
    ended: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own_backend("hang")
    monkeypatch.setattr(steps, "without_window", lambda: False)
    given = {"filepath": str(portrait), "avatar_path": str(tmp_path / "grace.savatar")}
    operator = _modal("create_avatar", "hanging", **given)
    work, before = operator._work, session.get()
    assert _backends(tmp_path)
    blender_addon.unregister()
    assert ended == ["Create Avatar"]
    assert work.gi_frame is None  # it went through its own clearing up
    assert not _backends(tmp_path)
    assert before.activity is None
    assert not bpy.app.timers.is_registered(pump._tick)
    blender_addon.register()
    assert session.get().activity is None
    assert session.get().state.state == "stopped"
    assert not bpy.data.armatures
    assert not list(tmp_path.glob("*.savatar*"))


@pytest.mark.parametrize("name", ["export_ply", "batch_render", "preview_frame"])
def test_work_on_an_avatar(
    own_backend: Own,
    portrait: Path,
    tmp_path: Path,
    ended: list[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    own_backend()
    _avatar(portrait, tmp_path)
    monkeypatch.setattr(steps, "without_window", lambda: False)
    bpy.context.scene.frame_set(5)
    if name == "preview_frame":
        _modal(name, "Waiting")
    else:
        _modal(name, "evaluating", directory=str(tmp_path / "out"), frames="RANGE")
        assert bpy.context.scene.frame_current == 1
    blender_addon.unregister()
    assert len(ended) == 1
    assert bpy.context.scene.frame_current == 5
    assert not _backends(tmp_path)
    assert not (tmp_path / "out").exists()
    blender_addon.register()
    monkeypatch.undo()
    own_backend()
    (found,) = properties.rigs(bpy.context.scene)
    bpy.context.view_layer.objects.active = found
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path / "again"), frames="FRAME")
    assert len(list((tmp_path / "again").glob("*.ply"))) == 1


def _rendered(folder: Path, engine: str, handler: str) -> list[str]:
    """Names of the frames of an animation, in whose third one the add-on is disabled."""
    scene = bpy.context.scene
    scene.render.engine = engine
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.filepath = str(folder / "f_")
    scene.frame_start, scene.frame_end = 1, 4

    def disable(*_: object) -> None:
        if scene.frame_current == 3 and hasattr(bpy.types.Scene, "splitavatar"):
            blender_addon.unregister()

    handlers = getattr(bpy.app.handlers, handler)
    handlers.append(disable)
    try:
        bpy.ops.render.render(animation=True)
    finally:
        handlers.remove(disable)
    return sorted(path.name for path in folder.glob("f_*"))


HANDLERS = ("render_pre", "frame_change_pre", "frame_change_post", "render_post")


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_render_by_our_engine_stops_with_a_word(
    own_backend: Own, portrait: Path, tmp_path: Path, handler: str
) -> None:
    own_backend()
    _avatar(portrait, tmp_path)
    bpy.ops.splitavatar.add_camera()
    with pytest.raises(RuntimeError, match=r"SplitAvatar was disabled\. Enable it in Preferences"):
        _rendered(tmp_path, compositing.ENGINE, handler)
    whole = 3 if handler == "render_post" else 2
    assert len(list(tmp_path.glob("f_*"))) == whole
    assert not _backends(tmp_path)
    _enabled_and_renders(own_backend, tmp_path)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_render_by_another_engine_goes_on_without_us(
    own_backend: Own,
    portrait: Path,
    tmp_path: Path,
    handler: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    own_backend()
    _avatar(portrait, tmp_path)
    bpy.ops.splitavatar.add_camera()
    bpy.context.scene.render.engine = "CYCLES"
    bpy.ops.splitavatar.refine_renders()
    assert len(_rendered(tmp_path, "CYCLES", handler)) == 4
    assert "The add-on SplitAvatar was disabled." in "".join(capfd.readouterr())
    assert not _backends(tmp_path)
    _enabled_and_renders(own_backend, tmp_path)


def _enabled_and_renders(own_backend: Own, folder: Path) -> None:
    blender_addon.register()
    own_backend()
    assert render_passes.get().scene is None
    bpy.context.scene.render.engine = compositing.ENGINE
    bpy.context.scene.render.filepath = str(folder / "again.png")
    bpy.ops.render.render(write_still=True)
    assert (folder / "again.png").is_file()
    blender_addon.unregister()
    assert not render_engine.SplitAvatarEngine.is_registered
