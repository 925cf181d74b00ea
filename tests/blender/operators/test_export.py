"""PLY and frames on a real backend process with a fake network."""

import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from blender_addon.scene import left_out, properties, rig
from blender_addon.work import session
from shared import messages
from tests.blender.seen import direct, keyed


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
    keyed(live_rig)
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
        np.testing.assert_allclose(_ply_positions(path), direct(live_rig, frame), atol=1e-6)


def test_exporting_this_frame_writes_one_file(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    bpy.context.scene.frame_set(5)
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path / "one"), frames="FRAME")
    assert [p.name for p in (tmp_path / "one").glob("*.ply")] == ["grace_0005.ply"]


def test_batch_render_writes_pngs_and_a_video_and_resumes(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    keyed(live_rig)
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


def test_an_output_beside_an_unsaved_file_asks_for_another_folder(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match=r"Save the \.blend, or choose another folder\."):
        bpy.ops.splitavatar.batch_render(frame_start=1, frame_end=2)
    with pytest.raises(RuntimeError, match="ends at frame 2, before its first frame 5"):
        bpy.ops.splitavatar.batch_render(directory=str(tmp_path), frame_start=5, frame_end=2)


def test_a_range_may_begin_before_nought_and_follows_the_scenes_step(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    settings = {"directory": str(tmp_path), "frames": "RANGE", "frame_start": -2, "frame_end": 2}
    bpy.ops.splitavatar.export_ply(**settings)
    files = [Path(name).name for name in session.get().result.files]
    assert files == [f"grace_{n}.ply" for n in ("-0002", "-0001", "0000", "0001", "0002")]
    scene.frame_step = 2
    bpy.ops.splitavatar.export_ply(**settings)
    assert len(session.get().result.files) == 3
    with pytest.raises(RuntimeError, match="ends at frame 0, before its first frame 1"):
        bpy.ops.splitavatar.export_ply(directory=str(tmp_path), frames="RANGE", frame_end=0)


def test_ply_for_readers_that_insist_has_62_numbers(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path), frames="FRAME", zeros=True)
    (path,) = tmp_path.glob("*.ply")
    assert path.read_bytes().partition(b"end_header")[0].count(b"property float") == 62


def _rig(name: str) -> bpy.types.Object:
    found = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(found)
    properties.of_rig(found).is_avatar = True
    return found


def test_rigs_of_like_names_write_files_of_different_names() -> None:
    names = {rig.name: properties.file_name(rig) for rig in map(_rig, ("Ada_1", "Ada.1", "ada 1"))}
    assert names["Ada_1"] == "Ada_1"
    assert len({name.lower() for name in names.values()}) == 3
    assert properties.file_name(_rig("Grace")) == "Grace"


def test_what_batch_render_leaves_out_is_said(
    live_rig: bpy.types.Object,
) -> None:
    scene = bpy.context.scene
    assert left_out.left_out(scene, live_rig) == []
    scene.render.use_border = scene.render.use_motion_blur = True
    _rig("Ada")
    for name in ("Cube", "Hat"):
        found = bpy.data.objects.new(name, bpy.data.meshes.new(name))
        scene.collection.objects.link(found)
    bpy.data.objects["Hat"].hide_render = True
    assert left_out.left_out(scene, live_rig) == [
        "The render region is not used: frames are whole.",
        "Motion blur is not rendered: each frame is sharp.",
        f"Only {live_rig.name} is rendered, without the avatars Ada.",
        "Objects are not rendered: Cube.",
    ]
