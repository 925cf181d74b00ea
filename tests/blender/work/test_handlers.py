"""Blender's own renders show the Gaussians of their frame, never of the one before."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from blender_addon.work import session


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
