"""Rigs that cannot tell the head's pose are refused before anything is written."""

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.scene import rig
from tests.blender.seen import direct, keyed


def _layer(armature: bpy.types.Object) -> bpy.types.LayerCollection:
    return bpy.context.view_layer.layer_collection.children[armature.users_collection[0].name]


def _exclude(armature: bpy.types.Object) -> None:
    _layer(armature).exclude = True


def _disable_collection(armature: bpy.types.Object) -> None:
    armature.users_collection[0].hide_viewport = True


def _disable_objects(armature: bpy.types.Object) -> None:
    for found in (armature, *armature.children):
        found.hide_viewport = True


def _hide_collection(armature: bpy.types.Object) -> None:
    _layer(armature).hide_viewport = True


def _hide_objects(armature: bpy.types.Object) -> None:
    for found in (armature, *armature.children):
        found.hide_set(True)


def _export(folder: Path) -> list[Path]:
    settings = {"directory": str(folder), "frames": "RANGE", "frame_start": 1, "frame_end": 12}
    bpy.ops.splitavatar.export_ply(**settings)
    return sorted(folder.glob("*.ply"))


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (_exclude, "its collection 'grace' is excluded from the view layer"),
        (_disable_collection, "its collection 'grace' is disabled in viewports"),
        (_disable_objects, "it is disabled in viewports"),
    ],
)
def test_a_rig_that_is_not_evaluated_is_refused_with_the_reason(
    live_rig: bpy.types.Object,
    tmp_path: Path,
    left_out: Callable[[bpy.types.Object], None],
    said: str,
) -> None:
    keyed(live_rig)
    left_out(live_rig)
    bpy.context.view_layer.update()
    for work in (
        lambda: _export(tmp_path / "ply"),
        lambda: bpy.ops.splitavatar.batch_render(directory=str(tmp_path / "png")),
        bpy.ops.splitavatar.preview_frame,
        bpy.ops.splitavatar.update_splats,
    ):
        with pytest.raises(RuntimeError, match=said):
            work()
    assert not list(tmp_path.glob("p*/*"))


@pytest.mark.parametrize("hide", [_hide_collection, _hide_objects])
def test_what_is_only_hidden_exports_its_frames(
    live_rig: bpy.types.Object, tmp_path: Path, hide: Callable[[bpy.types.Object], None]
) -> None:
    keyed(live_rig)
    bpy.context.scene.frame_set(12)
    last = direct(live_rig, rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get()))
    bpy.context.scene.frame_set(1)
    hide(live_rig)
    files = _export(tmp_path)
    body = files[-1].read_bytes().partition(b"end_header\n")[2]
    rows = np.frombuffer(body, np.float32).reshape(len(last), -1)
    np.testing.assert_allclose(rows[:, :3], last, atol=1e-6)


@pytest.mark.parametrize(
    "applied",
    [{"location": (1.5, 0, 0)}, {"rotation_euler": (0, 0, 1.6)}, {"scale": (10, 10, 10)}],
)
def test_applied_transforms_are_refused_before_work_and_undone_ones_are_not(
    live_rig: bpy.types.Object, tmp_path: Path, applied: dict[str, tuple[float, ...]]
) -> None:
    keyed(live_rig)
    for name, value in applied.items():
        setattr(live_rig, name, value)
    assert len(_export(tmp_path / "before")) == 12
    bpy.ops.object.select_all(action="DESELECT")
    live_rig.select_set(True)
    bpy.context.view_layer.objects.active = live_rig
    what = {"location": False, "rotation": False, "scale": False}
    bpy.ops.object.transform_apply(**{**what, next(iter(applied)).split("_")[0]: True})
    for work in (
        lambda: _export(tmp_path / "after"),
        lambda: bpy.ops.splitavatar.batch_render(directory=str(tmp_path / "after")),
        bpy.ops.splitavatar.preview_frame,
        bpy.ops.splitavatar.update_splats,
    ):
        with pytest.raises(RuntimeError, match="'grace' no longer rest where its head has them"):
            work()
    assert not (tmp_path / "after").exists()
