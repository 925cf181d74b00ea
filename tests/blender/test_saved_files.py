"""A .blend of an earlier version opens, drives, renders and saves.

`tests/data/blends/before-rooms.blend` was saved in Blender 4.5 by the add-on as it was when it lay
in one flat folder (commit d0b7dad): the made-up head, its jaw, smile and neck keyed on frames 1 and
12, the portrait's camera, settings that are not the defaults, and the splats of frame 7.
"""

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.scene import properties, rig
from blender_addon.work import session
from tests.blender.seen import direct, positions

SAVED = Path(__file__).resolve().parents[1] / "data/blends/before-rooms.blend"


@pytest.fixture
def opened(running: None, tmp_path: Path) -> bpy.types.Object:
    """Its rig; the avatar file lies beside it, as then."""
    shutil.copy(SAVED, tmp_path / "old.blend")
    (tmp_path / "grace.savatar").write_bytes(b"the bytes of a portrait")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "old.blend"))
    found = properties.active_rig(bpy.context)
    assert found is not None
    return found


def test_its_settings_are_what_they_were(opened: bpy.types.Object, tmp_path: Path) -> None:
    scene = properties.of_scene(bpy.context.scene)
    assert scene.frame_range(bpy.context.scene) == (3, 9)
    assert (scene.axes, scene.live, scene.write_mp4) == ("opencv", True, True)
    own = properties.of_rig(opened)
    assert (own.is_avatar, own.display) == (True, "BOTH")
    assert (own.head.name, own.cloud.name) == ("Grace Head", "Grace Splats")
    assert properties.avatar_path(opened) == tmp_path / "grace.savatar"


def test_the_same_pose_gives_the_splats_that_were_saved(opened: bpy.types.Object) -> None:
    before = positions(opened)
    assert bpy.context.scene.frame_current == 7
    bpy.ops.splitavatar.update_splats()
    np.testing.assert_allclose(positions(opened), before, atol=1e-6)


def test_it_is_driven_by_its_keys(opened: bpy.types.Object) -> None:
    bpy.ops.splitavatar.update_splats()
    for number in (1, 12, 5):
        bpy.context.scene.frame_set(number)
        frame = rig.read_frame(opened, bpy.context.evaluated_depsgraph_get())
        np.testing.assert_array_equal(positions(opened), direct(opened, frame))
    bpy.context.scene.frame_set(12)
    frame = rig.read_frame(opened, bpy.context.evaluated_depsgraph_get())
    assert frame.expression.max() == pytest.approx(0.9)
    mesh = opened.splitavatar.head.data.shape_keys.key_blocks["jawOpen"]
    assert mesh.value == pytest.approx(0.9)


def test_it_renders_and_exports(opened: bpy.types.Object, tmp_path: Path) -> None:
    bpy.ops.splitavatar.batch_render(directory=str(tmp_path / "png"))
    assert [Path(p).name for p in session.get().result.png] == [
        f"Grace_{number:04d}.png" for number in range(3, 10)
    ]
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path / "ply"), frames="RANGE")
    assert len(list((tmp_path / "ply").glob("Grace_*.ply"))) == 7
    bpy.ops.splitavatar.preview_frame()
    assert session.get().result.rgba.shape == (51, 51, 4)


def test_it_is_saved_and_opens_again(opened: bpy.types.Object, tmp_path: Path) -> None:
    opened["jawOpen"] = 0.33
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "new.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "new.blend"))
    again = properties.active_rig(bpy.context)
    assert again is not None
    assert properties.avatar_path(again) == tmp_path / "grace.savatar"
    bpy.ops.splitavatar.update_splats()
    frame = rig.read_frame(again, bpy.context.evaluated_depsgraph_get())
    np.testing.assert_array_equal(positions(again), direct(again, frame))
