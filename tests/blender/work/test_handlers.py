"""Frame changes, renders, files: each frame shows its own Gaussians, never those of another."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from blender_addon import steps
from blender_addon.scene import properties, rig
from blender_addon.work import pump, session
from shared.flame import Track
from tests.blender.seen import direct, keyed, positions
from tests.blender.told import Told, differences, everything


def _brightest_columns(files: list[Path]) -> list[int]:
    columns = []
    for path in files:
        picture = bpy.data.images.load(str(path))
        width, height = picture.size
        pixels = np.array(picture.pixels[:]).reshape(height, width, 4)
        columns.append(int(pixels[..., :3].sum(axis=(0, 2)).argmax()))
    return columns


def test_each_frame_of_a_rendered_animation_shows_its_own_splats(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    bone = live_rig.pose.bones["root"]
    for frame, x in ((1, -0.8), (2, 0.8), (3, -0.8), (4, 0.8)):
        bone.location = (x, 0, 0)
        bone.keyframe_insert("location", frame=frame)
    data = bpy.data.cameras.new("Front")
    data.type, data.ortho_scale = "ORTHO", 4.0
    camera = bpy.data.objects.new("Front", data)
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -5, 0), (np.pi / 2, 0, 0)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = 64, 32
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.filepath = str(tmp_path / "f_")
    scene.frame_start, scene.frame_end = 1, 4
    live_rig.show_in_front = False
    _grow(live_rig)
    bpy.ops.render.render(animation=True)
    columns = _brightest_columns(sorted(tmp_path.glob("f_*.png")))
    assert [column < 32 for column in columns] == [True, False, True, False], columns


def _grow(armature: bpy.types.Object) -> None:
    """Larger balls, so that a picture of few pixels shows them."""
    avatar = session.get().loaded(armature)
    assert avatar is not None
    large = replace(avatar.identity, scales=np.full_like(avatar.identity.scales, 0.05))
    session.get().add_avatar(replace(avatar, identity=large))


@pytest.mark.parametrize("order", [range(1, 13), range(12, 0, -1), (1, 9, 3, 12, 12, 2, 7)])
def test_frame_n_always_shows_the_parameters_of_frame_n(
    live_rig: bpy.types.Object, order: Any
) -> None:
    keyed(live_rig)
    for number in order:
        bpy.context.scene.frame_set(number)
        frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
        np.testing.assert_array_equal(positions(live_rig), direct(live_rig, frame))


def test_the_evaluated_cloud_is_that_of_the_frame_too(live_rig: bpy.types.Object) -> None:
    if live_rig.splitavatar.cloud.type == "MESH":
        pytest.skip("Blender 4.2 shows Python no points that a modifier makes")
    keyed(live_rig)
    for number in (4, 9, 2):
        bpy.context.scene.frame_set(number)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        cloud = live_rig.splitavatar.cloud.evaluated_get(depsgraph).data
        values = np.empty(len(cloud.points) * 3, np.float32)
        cloud.attributes["position"].data.foreach_get("vector", values)
        frame = rig.read_frame(live_rig, depsgraph)
        np.testing.assert_array_equal(values.reshape(-1, 3), direct(live_rig, frame))


def test_switched_off_live_update_leaves_the_cloud_alone(live_rig: bpy.types.Object) -> None:
    keyed(live_rig)
    bpy.context.scene.splitavatar.live = False
    before = positions(live_rig)
    bpy.context.scene.frame_set(9)
    np.testing.assert_array_equal(positions(live_rig), before)
    bpy.ops.splitavatar.update_splats()
    assert not np.array_equal(positions(live_rig), before)


def test_the_path_in_the_file_is_relative_so_that_the_folder_can_move(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (tmp_path / "grace.savatar").rename(first / "grace.savatar")
    live_rig.splitavatar.avatar_path = str(first / "grace.savatar")
    bpy.ops.wm.save_as_mainfile(filepath=str(first / "scene.blend"))
    assert live_rig.splitavatar.avatar_path == str(first / "grace.savatar")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    second = first.rename(tmp_path / "second")
    bpy.ops.wm.open_mainfile(filepath=str(second / "scene.blend"))
    found = bpy.data.objects["grace"]
    assert properties.avatar_path(found) == second / "grace.savatar"
    bpy.ops.splitavatar.update_splats()


def _save_in_a_render(blend: Path) -> list[str]:
    """Saves as a frame begins to be rendered; what changes until it is written, and after."""
    told: list[Told] = []

    def look(*_: object) -> None:
        told.append(everything())

    def save(*_: object) -> None:
        for step in (look, lambda: bpy.ops.wm.save_as_mainfile(filepath=str(blend)), look):
            step()

    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    bpy.app.handlers.save_pre.append(look)
    bpy.app.handlers.render_pre.append(save)
    try:
        scene.frame_set(1)
        bpy.ops.render.render()
    finally:
        bpy.app.handlers.render_pre.remove(save)
        bpy.app.handlers.save_pre.remove(look)
    before, written, after = told
    return [*differences(before, written), *differences(before, after)]


@pytest.fixture
def beside(live_rig: bpy.types.Object, tmp_path: Path) -> Path:
    """The avatar's file below the folder of a .blend, which is saved, and was open for a moment."""
    folder = tmp_path / "first"
    (folder / "avatars").mkdir(parents=True)
    (tmp_path / "grace.savatar").rename(folder / "avatars/grace.savatar")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    live_rig.splitavatar.avatar_path = "//avatars/grace.savatar"
    pump.pump()
    return folder


def test_a_file_saved_while_a_frame_is_rendered_changes_nothing(beside: Path) -> None:
    bpy.ops.splitavatar.add_camera()
    assert _save_in_a_render(beside / "scene.blend") == []


@pytest.mark.parametrize("moved", [False, True])
def test_a_file_saved_in_a_render_finds_its_avatar_though_nothing_came_after(
    beside: Path, tmp_path: Path, moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as rendering:
        rendering.setattr(steps, "is_rendering", lambda: True)
        bpy.ops.wm.save_as_mainfile(filepath=str(beside / "scene.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    folder = beside.rename(tmp_path / "second") if moved else beside
    bpy.ops.wm.open_mainfile(filepath=str(folder / "scene.blend"))
    found = bpy.data.objects["grace"]
    assert properties.avatar_path(found) == folder / "avatars/grace.savatar"
    assert found.splitavatar.avatar_path == str(folder / "avatars/grace.savatar")


def test_another_place_of_a_file_saved_in_a_render_keeps_the_avatar_where_it_is(
    beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    (other / "avatars").mkdir(parents=True)
    (other / "avatars/grace.savatar").write_bytes(b"another person of that name")
    with monkeypatch.context() as rendering:
        rendering.setattr(steps, "is_rendering", lambda: True)
        bpy.ops.wm.save_as_mainfile(filepath=str(other / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(other / "scene.blend"))
    assert properties.avatar_path(bpy.data.objects["grace"]) == beside / "avatars/grace.savatar"


def test_a_rig_appended_into_another_file_finds_its_avatar(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    blend = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    other = tmp_path / "elsewhere"
    other.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(other / "other.blend"))
    with bpy.data.libraries.load(str(blend)) as (held, wanted):
        wanted.collections = ["grace"]
    assert held.collections == ["grace"]
    bpy.context.scene.collection.children.link(bpy.data.collections["grace"])
    found = bpy.data.objects["grace"]
    bpy.context.view_layer.objects.active = found
    found["jawOpen"] = 0.5
    bpy.ops.splitavatar.update_splats()
    frame = Track.from_arkit({"jawOpen": 0.5})
    np.testing.assert_array_equal(positions(found), direct(found, frame))
