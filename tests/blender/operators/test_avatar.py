"""Operators on a real backend process with a fake network."""

import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from blender_addon.scene import cameras, clouds, points, preview, properties, rig
from blender_addon.work import session
from shared import messages
from shared.camera import portrait_intrinsics
from shared.flame import ARKIT_NAMES, Track


def _positions(armature: bpy.types.Object) -> np.ndarray:
    cloud = armature.splitavatar.cloud
    values = np.empty(points.count(cloud) * 3, np.float32)
    cloud.data.attributes["position"].data.foreach_get("vector", values)
    return values.reshape(-1, 3)


def _direct(armature: bpy.types.Object, frame: Track) -> np.ndarray:
    """[N, 3] object space: what the backend answers to these very parameters."""
    here = session.get()
    avatar = here.loaded(armature)
    reply = here.client.call(messages.DriveAvatar(avatar=avatar.avatar, frame=frame), 20)
    return rig.to_blender(clouds.union(avatar, reply).means)


def _keyed(armature: bpy.types.Object) -> None:
    """A motion in which no two frames are alike."""
    for frame in range(1, 13):
        armature["jawOpen"] = ((frame * 5) % 12) / 12
        armature.keyframe_insert('["jawOpen"]', frame=frame)
        bone = armature.pose.bones["root"]
        bone.location = (0.001 * frame, 0, 0.002 * ((frame * 7) % 12))
        bone.keyframe_insert("location", frame=frame)


def test_create_avatar_makes_rig_cloud_and_file(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    assert live_rig.name == "grace"
    assert (tmp_path / "grace.savatar").read_bytes() == b"the bytes of a portrait"
    assert properties.avatar_path(live_rig) == tmp_path / "grace.savatar"
    assert bpy.context.active_object == live_rig
    neutral = _direct(live_rig, Track.neutral(1))
    np.testing.assert_array_equal(_positions(live_rig), neutral)


def test_the_sample_avatar_is_made_from_the_bundled_portrait(running: None, tmp_path: Path) -> None:
    bpy.ops.splitavatar.sample_avatar(avatar_path=str(tmp_path / "sample.savatar"))
    found = properties.active_rig(bpy.context)
    assert found is not None
    assert found.name == "Astronaut"
    assert (tmp_path / "sample.savatar").read_bytes().startswith(b"\x89PNG")


def test_a_saved_avatar_opens_again(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    bpy.ops.splitavatar.open_avatar(filepath=str(tmp_path / "grace.savatar"), avatar_name="Twin")
    twin = properties.active_rig(bpy.context)
    assert twin is not None
    assert twin.name == "Twin"
    np.testing.assert_array_equal(_positions(twin), _positions(live_rig))


@pytest.mark.parametrize("order", [range(1, 13), range(12, 0, -1), (1, 9, 3, 12, 12, 2, 7)])
def test_frame_n_always_shows_the_parameters_of_frame_n(
    live_rig: bpy.types.Object, order: Any
) -> None:
    _keyed(live_rig)
    for number in order:
        bpy.context.scene.frame_set(number)
        frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
        np.testing.assert_array_equal(_positions(live_rig), _direct(live_rig, frame))


def test_the_evaluated_cloud_is_that_of_the_frame_too(live_rig: bpy.types.Object) -> None:
    if live_rig.splitavatar.cloud.type == "MESH":
        pytest.skip("Blender 4.2 shows Python no points that a modifier makes")
    _keyed(live_rig)
    for number in (4, 9, 2):
        bpy.context.scene.frame_set(number)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        cloud = live_rig.splitavatar.cloud.evaluated_get(depsgraph).data
        values = np.empty(len(cloud.points) * 3, np.float32)
        cloud.attributes["position"].data.foreach_get("vector", values)
        frame = rig.read_frame(live_rig, depsgraph)
        np.testing.assert_array_equal(values.reshape(-1, 3), _direct(live_rig, frame))


def test_switched_off_live_update_leaves_the_cloud_alone(live_rig: bpy.types.Object) -> None:
    _keyed(live_rig)
    bpy.context.scene.splitavatar.live = False
    before = _positions(live_rig)
    bpy.context.scene.frame_set(9)
    np.testing.assert_array_equal(_positions(live_rig), before)
    bpy.ops.splitavatar.update_splats()
    assert not np.array_equal(_positions(live_rig), before)


def test_two_rigs_of_one_avatar_show_their_own_poses(live_rig: bpy.types.Object) -> None:
    path = live_rig.splitavatar.avatar_path
    bpy.ops.splitavatar.open_avatar(filepath=path, avatar_name="Twin")
    twin = properties.active_rig(bpy.context)
    assert twin is not None
    live_rig["jawOpen"], twin["jawOpen"] = 0.25, 1.0
    here = session.get().avatars
    for armature in (live_rig, twin):
        depsgraph = rig.evaluate(bpy.context, armature)
        assert here.drive(armature, depsgraph)
    here.finish_drives()
    for armature, value in ((live_rig, 0.25), (twin, 1.0)):
        frame = Track.from_arkit({"jawOpen": value})
        np.testing.assert_array_equal(_positions(armature), _direct(armature, frame))


def test_a_copied_rig_gets_a_cloud_of_its_own(live_rig: bpy.types.Object) -> None:
    for part in (live_rig, *live_rig.children):
        part.hide_viewport = False
        part.select_set(True)
    bpy.ops.object.duplicate()
    copy = bpy.context.active_object
    assert copy is not None
    assert copy != live_rig
    assert copy.splitavatar.cloud != live_rig.splitavatar.cloud
    before = _positions(live_rig)
    copy["jawOpen"] = 1.0
    bpy.ops.splitavatar.update_splats()
    frame = Track.from_arkit({"jawOpen": 1.0})
    np.testing.assert_array_equal(_positions(copy), _direct(copy, frame))
    np.testing.assert_array_equal(_positions(live_rig), before)


def _ply_positions(path: Path) -> np.ndarray:
    """[N, 3] read by hand: the header's float properties begin with x y z."""
    head, _, body = path.read_bytes().partition(b"end_header\n")
    lines = head.decode().splitlines()
    count = next(int(line.split()[2]) for line in lines if line.startswith("element vertex"))
    width = sum(line.startswith("property float") for line in lines)
    rows = np.array(struct.unpack(f"<{count * width}f", body)).reshape(count, width)
    return rows[:, :3]


def test_exported_plys_are_the_frames_evaluated_parameters(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    _keyed(live_rig)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 3, 6
    scene.frame_set(8)
    out = tmp_path / "ply"
    bpy.ops.splitavatar.export_ply(directory=str(out), frames="RANGE")
    assert scene.frame_current == 8
    files = [Path(name) for name in session.get().result.files]
    assert [path.name for path in files] == [f"grace_{n:04d}.ply" for n in (3, 4, 5, 6)]
    for number, path in zip((3, 4, 5, 6), files, strict=True):
        scene.frame_set(number)
        frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
        np.testing.assert_allclose(_ply_positions(path), _direct(live_rig, frame), atol=1e-6)


def test_exporting_this_frame_writes_one_file(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    bpy.context.scene.frame_set(5)
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path / "one"), frames="FRAME")
    assert [p.name for p in (tmp_path / "one").glob("*.ply")] == ["grace_0005.ply"]


def test_batch_render_writes_pngs_and_a_video_and_resumes(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    _keyed(live_rig)
    out = tmp_path / "frames"
    settings = {"directory": str(out), "frame_start": 1, "frame_end": 4, "file_name": "shot"}
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 64
    bpy.ops.splitavatar.add_camera(set_resolution=False)
    bpy.ops.splitavatar.batch_render(**settings)
    reply = session.get().result
    assert [Path(p).name for p in reply.png] == [f"shot_{n:04d}.png" for n in range(1, 5)]
    assert Path(reply.mp4).name == "shot.mp4"
    picture = bpy.data.images.load(reply.png[0])
    assert (*picture.size, picture.channels) == (64, 64, 4)
    (out / "shot_0003.png").unlink()
    bpy.ops.splitavatar.batch_render(**settings)
    assert session.get().result.resumed == 3
    bpy.ops.splitavatar.batch_render(**settings, resume=False, mp4=False)
    assert (session.get().result.resumed, session.get().result.mp4) == (0, "")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, running: None) -> list[Any]:
    """Every request that is sent."""
    found: list[Any] = []
    client = session.get().client
    request = client.request

    def keep(message: Any, *rest: Any) -> Any:
        found.append(message)
        return request(message, *rest)

    monkeypatch.setattr(client, "request", keep)
    return found


def test_batch_render_evaluates_a_moving_camera_at_each_frame(
    live_rig: bpy.types.Object, sent: list[Any], tmp_path: Path
) -> None:
    bpy.ops.splitavatar.add_camera()
    camera = bpy.context.scene.camera
    for frame, angle in ((1, 0.0), (5, 0.5)):
        camera.rotation_euler.z = angle
        camera.keyframe_insert("rotation_euler", frame=frame)
    bpy.ops.splitavatar.batch_render(directory=str(tmp_path), frame_start=1, frame_end=5, mp4=False)
    job = next(m for m in sent if isinstance(m, messages.RenderJob))
    assert job.frames == [1, 2, 3, 4, 5]
    assert len({camera.viewmat.tobytes() for camera in job.cameras}) == 5


def test_the_portrait_camera_in_blender_is_the_fitted_one(
    live_rig: bpy.types.Object,
) -> None:
    live_rig.location = (1, 2, 3)
    live_rig.rotation_euler = (0.1, 0.2, 0.3)
    live_rig.scale = (2, 2, 2)
    bpy.context.view_layer.update()
    bpy.ops.splitavatar.add_camera()
    scene = bpy.context.scene
    assert scene.camera.data.lens == pytest.approx(216)
    found = cameras.scene_camera(scene, live_rig, bpy.context.evaluated_depsgraph_get())
    wanted = cameras.portrait_camera(live_rig)
    points = np.random.default_rng(0).normal(0, 0.1, (20, 3))
    np.testing.assert_allclose(found.project(points), wanted.project(points), atol=0.02)
    np.testing.assert_allclose(found.viewmat, wanted.viewmat, atol=1e-5)
    np.testing.assert_allclose(found.K, portrait_intrinsics(512), rtol=1e-6)


def test_a_scene_camera_projects_as_blender_does(live_rig: bpy.types.Object) -> None:
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    scene = bpy.context.scene
    data = bpy.data.cameras.new("Lens")
    data.lens, data.shift_x, data.shift_y = 85, 0.1, -0.05
    placed = bpy.data.objects.new("Lens", data)
    scene.collection.objects.link(placed)
    placed.location, placed.rotation_euler = (0.3, -1.2, 0.2), (1.4, 0.05, 0.2)
    scene.camera = placed
    scene.render.resolution_x, scene.render.resolution_y = 640, 360
    scene.render.resolution_percentage = 50
    live_rig.location = (0.05, 0.1, -0.02)
    bpy.context.view_layer.update()
    found = cameras.scene_camera(scene, live_rig, bpy.context.evaluated_depsgraph_get())
    assert (found.width, found.height) == (320, 180)
    points = np.random.default_rng(0).normal(0, 0.1, (20, 3))
    for point in points:
        world = live_rig.matrix_world @ Vector(rig.to_blender(point[None])[0])
        x, y, _ = world_to_camera_view(scene, placed, world)
        pixel = np.array([x * 320, (1 - y) * 180])
        np.testing.assert_allclose(found.project(point), pixel, atol=0.01)


def test_preview_frame_becomes_an_image_of_the_scene_cameras_size(
    live_rig: bpy.types.Object,
) -> None:
    bpy.ops.splitavatar.add_camera()
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 96, 48
    bpy.ops.splitavatar.preview_frame()
    shown = preview.image()
    assert shown is not None
    assert tuple(shown.size) == (96, 48)
    rgba = session.get().result.rgba
    pixels = np.array(shown.pixels[:]).reshape(48, 96, 4)[::-1]
    np.testing.assert_allclose(pixels, rgba / 255, atol=1 / 255)
    bpy.ops.splitavatar.clear_preview()
    assert preview.image() is None


def test_the_portraits_own_pose_can_be_set(live_rig: bpy.types.Object) -> None:
    live_rig["jawOpen"] = 0.7
    bpy.ops.splitavatar.set_pose(pose="PORTRAIT")
    frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
    source = session.get().loaded(live_rig).source
    np.testing.assert_allclose(frame.expression, source.expression, atol=1e-6)
    assert live_rig["jawOpen"] == pytest.approx(source.expression[0, ARKIT_NAMES.index("jawOpen")])


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
    np.testing.assert_array_equal(_positions(found), _direct(found, frame))


def test_the_panel_text_names_device_and_preset(running: None) -> None:
    from blender_addon.ui.backend_box import state_text

    session.get().poll()
    assert state_text(session.get().state).startswith("Ready on fake")


def test_a_missing_avatar_file_says_where_it_was_looked_for(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    (tmp_path / "grace.savatar").unlink()
    with pytest.raises(RuntimeError, match=r"avatar file of 'grace' is missing: .*grace\.savatar"):
        bpy.ops.splitavatar.update_splats()
    with pytest.raises(RuntimeError, match="Choose its place under Avatar File"):
        bpy.ops.splitavatar.preview_frame()
    assert properties.avatar_path(live_rig) == tmp_path / "grace.savatar"


def test_an_orthographic_camera_is_refused(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    bpy.ops.splitavatar.add_camera()
    bpy.context.scene.camera.data.type = "ORTHO"
    with pytest.raises(RuntimeError, match=r"is ortho\. Set its type to Perspective\."):
        bpy.ops.splitavatar.preview_frame()


def test_an_output_beside_an_unsaved_file_asks_for_another_folder(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match=r"Save the \.blend, or choose another folder\."):
        bpy.ops.splitavatar.batch_render(frame_start=1, frame_end=2)
    with pytest.raises(RuntimeError, match="ends at frame 2, before its first frame 5"):
        bpy.ops.splitavatar.batch_render(directory=str(tmp_path), frame_start=5, frame_end=2)


def test_a_mistake_of_ours_is_reported_as_such(
    running: None, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(**values: object) -> object:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(messages, "CreateAvatar", broken)
    with pytest.raises(RuntimeError, match="failed: ZeroDivisionError: a mistake"):
        bpy.ops.splitavatar.create_avatar(filepath=str(portrait))
    assert session.get().activity is None
