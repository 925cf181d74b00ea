"""Operators whose work takes a while."""

from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from blender_addon.link import addon_log
from blender_addon.work import session
from shared import messages
from tests.blender.seen import keyed


def test_a_mistake_of_ours_is_reported_as_such(
    running: None, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(**values: object) -> object:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(messages, "CreateAvatar", broken)
    with pytest.raises(RuntimeError, match=r"failed: a mistake\. Please report it with a support"):
        bpy.ops.splitavatar.create_avatar(filepath=str(portrait))
    assert session.get().activity is None
    assert "ZeroDivisionError: a mistake" in addon_log.path().read_text("utf-8")


def _delete_rig() -> None:
    bpy.data.objects.remove(bpy.data.objects["grace"])


def _remove_scene() -> None:
    before = bpy.context.scene
    bpy.ops.scene.new(type="EMPTY")
    bpy.data.scenes.remove(before)


def _open_another_file() -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def _assert_ended(
    monkeypatch: pytest.MonkeyPatch, folder: Path, loss: Callable[[], object], after_steps: int
) -> None:
    """Exports, and loses the rig after some looks at the backend."""
    here = session.get()
    poll, steps = here.poll, iter(range(1000))

    def look() -> bool:
        if next(steps) == after_steps:
            loss()
        return poll()

    monkeypatch.setattr(here, "poll", look)
    with pytest.raises(RuntimeError, match="the rig or the scene was deleted or undone"):
        bpy.ops.splitavatar.export_ply(
            directory=str(folder / "ply"), frames="RANGE", frame_start=1, frame_end=12
        )
    assert not list(folder.glob("ply/*"))
    assert here.activity is None
    assert here.avatars.paused == 0


@pytest.mark.parametrize("loss", [_delete_rig, _remove_scene, _open_another_file])
@pytest.mark.parametrize("after_steps", [2, 8])
def test_what_is_deleted_under_work_ends_it_with_a_sentence_and_nothing_half_done(
    live_rig: bpy.types.Object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    loss: Callable[[], None],
    after_steps: int,
) -> None:
    keyed(live_rig)
    _assert_ended(monkeypatch, tmp_path, loss, after_steps)


@pytest.mark.parametrize("after_steps", [2, 8])
def test_a_rig_that_is_undone_under_work_ends_it_as_one_that_is_deleted(
    running: None,
    portrait: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after_steps: int,
) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="the empty file")
    bpy.ops.splitavatar.create_avatar(
        filepath=str(portrait), avatar_path=str(tmp_path / "grace.savatar")
    )
    bpy.ops.ed.undo_push(message="an avatar")
    _assert_ended(monkeypatch, tmp_path, bpy.ops.ed.undo, after_steps)
    assert "grace" not in bpy.data.objects
