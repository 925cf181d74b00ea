"""Renders by the engine SplitAvatar: the backend's own bytes, with depth, frame by frame."""

from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.scene import cameras, properties
from blender_addon.work import depth_order, render_engine, session
from blender_addon.work.shot import Shot


@pytest.fixture
def engine(live_rig: bpy.types.Object, tmp_path: Path) -> bpy.types.Object:
    """The rig in a small scene that the engine renders."""
    seen_by_the_engine(tmp_path)
    return live_rig


def seen_by_the_engine(tmp_path: Path) -> None:
    """Renders go to `seen`, small, with nothing behind the person."""
    scene = bpy.context.scene
    bpy.ops.splitavatar.add_camera()
    scene.render.engine = render_engine.ENGINE
    scene.render.resolution_percentage = 10
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = f"{tmp_path}/seen"


def rendered(path: Path) -> np.ndarray:
    """[H, W, 4] bytes of a picture's file, rows downwards."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "CHANNEL_PACKED"
    width, height = image.size
    pixels = np.array(image.pixels[:]).reshape(height, width, 4)[::-1]
    bpy.data.images.remove(image)
    return np.rint(pixels * 255).astype(int)


def direct(armature: bpy.types.Object) -> np.ndarray:
    """[H, W, 4] what the backend answers to the rig as it is now."""
    shot = Shot.of(armature, bpy.context.evaluated_depsgraph_get())
    reply = session.finish(session.get().render(armature, shot.frame, shot.camera))
    return reply.rgba.astype(int)


def test_a_still_has_the_backend_s_bytes(engine: bpy.types.Object, tmp_path: Path) -> None:
    bpy.ops.render.render(write_still=True)
    seen, wanted = rendered(tmp_path / "seen.png"), direct(engine)
    assert seen.shape == wanted.shape
    assert np.abs(seen[..., 3] - wanted[..., 3]).max() <= 1
    opaque = wanted[..., 3] > 200  # below, 8 bits of premultiplied colours are coarse
    assert opaque.any()
    assert np.abs(seen - wanted)[opaque].max() <= 1


def test_each_frame_of_an_animation_is_its_own(engine: bpy.types.Object, tmp_path: Path) -> None:
    scene = bpy.context.scene
    for frame, value in ((1, 0.0), (3, 1.0)):
        engine["jawOpen"] = value
        engine.keyframe_insert('["jawOpen"]', frame=frame)
    scene.frame_start, scene.frame_end = 1, 3
    bpy.ops.render.render(animation=True)
    pictures = []
    for frame in (1, 2, 3):
        scene.frame_set(frame)
        seen, wanted = rendered(tmp_path / f"seen{frame:04d}.png"), direct(engine)
        opaque = wanted[..., 3] > 200
        assert np.abs(seen - wanted)[opaque].max() <= 1
        pictures.append(seen)
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[1] != pictures[2]).any()


def test_another_scene_than_the_window_s_is_rendered_as_it_says(
    engine: bpy.types.Object, tmp_path: Path
) -> None:
    here = bpy.context.scene
    other = here.copy()
    other.render.resolution_percentage = 20
    bpy.ops.render.render(write_still=True, scene=other.name)
    assert bpy.context.scene == here
    assert rendered(tmp_path / "seen.png").shape == (102, 102, 4)


def test_a_percentage_gives_as_many_pixels_as_blender_s(
    engine: bpy.types.Object, tmp_path: Path
) -> None:
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = 100, 200
    render.resolution_percentage = 29  # of a hundred, as floating point numbers, 28.999...
    bpy.ops.render.render(write_still=True)
    assert rendered(tmp_path / "seen.png").shape == (58, 29, 4)
    assert cameras.picture_size(bpy.context.scene) == (29, 58)


def test_without_a_transparent_film_the_world_is_behind(
    engine: bpy.types.Object, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0, 0, 1)
    scene.render.film_transparent = False
    bpy.ops.render.render(write_still=True)
    seen, alpha = rendered(tmp_path / "seen.png"), direct(engine)[..., 3]
    assert (seen[..., 3] == 255).all()
    assert (seen[alpha == 0][:, 2] == 255).all()


def test_a_render_region_is_that_part_of_the_whole(
    engine: bpy.types.Object, tmp_path: Path
) -> None:
    render = bpy.context.scene.render
    render.use_border, wanted = True, direct(engine)
    render.border_min_x, render.border_max_x = 0.21, 0.87
    render.border_min_y, render.border_max_y = 0.5, 0.93
    for crop in (True, False):
        render.use_crop_to_border = crop
        bpy.ops.render.render(write_still=True)
        seen = rendered(tmp_path / "seen.png")
        if not crop:
            assert seen.shape == wanted.shape
            assert not seen[30:, :, 3].any()
            seen = seen[4:26, 10:44]
        part = wanted[4:26, 10:44]  # of 51: 0.21 is the 10th, 0.93 the 4th from above
        assert seen.shape == part.shape
        assert np.abs(seen[..., 3] - part[..., 3]).max() <= 1


def test_the_nearer_avatar_is_in_front() -> None:
    near = np.full((1, 2, 4), 255, np.uint8)
    near[0, 1, 3] = 0
    far = np.array([[[255, 0, 0, 255], [255, 0, 0, 255]]], np.uint8)
    depths = np.array([[1.0, 0.0]]), np.array([[2.0, 2.0]])
    for order in ((0, 1), (1, 0)):
        pictures = [((near, far)[number], depths[number]) for number in order]
        combined, depth = depth_order.laid_over(pictures)
        np.testing.assert_allclose(combined[0, 0], [1, 1, 1, 1])
        np.testing.assert_allclose(combined[0, 1], [1, 0, 0, 1])
        np.testing.assert_allclose(depth, [[1, 2]])


def test_half_clear_layers_add_up_in_scene_linear_light() -> None:
    half = np.array([[[255, 255, 255, 128]]], np.uint8)
    red = np.array([[[255, 0, 0, 255]]], np.uint8)
    combined, _ = depth_order.laid_over([(half, np.ones((1, 1))), (red, np.full((1, 1), 2.0))])
    part = 128 / 255
    np.testing.assert_allclose(combined[0, 0], [1, part, part, 1], atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_the_depth_pass_is_metres_from_the_camera(
    engine: bpy.types.Object, tmp_path: Path, scale: float
) -> None:
    engine.scale = (scale,) * 3
    bpy.context.view_layer.use_pass_z = True
    write_passes(bpy.context.scene)
    bpy.ops.render.render(write_still=True)
    shot = Shot.of(engine, bpy.context.evaluated_depsgraph_get())
    reply = session.finish(session.get().render(engine, shot.frame, shot.camera))
    depth = exr_channels(tmp_path / "seen.exr")["ViewLayer.Depth.Z"]
    there = reply.depth > 0
    np.testing.assert_allclose(depth[there], scale * reply.depth[there], rtol=1e-6)
    assert (depth[~there] > 1e9).all()


def write_passes(scene: bpy.types.Scene) -> None:
    """Renders are all passes in one file, as `exr_channels` reads it."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # from 5.0
        settings.media_type = "MULTI_LAYER_IMAGE"
        settings.use_exr_interleave = True  # one part
    settings.file_format = "OPEN_EXR_MULTILAYER"
    settings.exr_codec, settings.color_depth = "NONE", "32"


def exr_channels(path: Path) -> dict[str, np.ndarray]:
    """[H, W] float32 by name, of an uncompressed EXR of scan lines whose channels are floats."""
    data, at = path.read_bytes(), 8

    def word() -> str:
        nonlocal at
        end = data.index(0, at)
        found, at = data[at:end].decode(), end + 1
        return found

    names, box = [], (0, 0, 0, 0)
    while name := word():
        word()
        size = int.from_bytes(data[at : at + 4], "little")
        value, at = data[at + 4 : at + 4 + size], at + 4 + size
        if name == "channels":
            parts = value[:-1]
            while parts:
                end = parts.index(0)
                assert parts[end + 1] == 2  # float
                names.append(parts[:end].decode())
                parts = parts[end + 17 :]
        if name == "dataWindow":
            box = np.frombuffer(value, "<i4").tolist()
    width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
    rows = []
    for offset in np.frombuffer(data, "<i8", height, at):
        row = np.frombuffer(data, "<f4", width * len(names), int(offset) + 8)
        rows.append(row.reshape(len(names), width))
    return dict(zip(names, np.stack(rows, axis=1), strict=True))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda scene, rig: setattr(properties.of_rig(rig).cloud, "hide_render", True),
            "no avatar that is rendered",
        ),
        (lambda scene, rig: setattr(scene.camera.data, "type", "ORTHO"), "is ortho"),
    ],
)
def test_what_cannot_be_rendered_is_an_error_and_no_picture(
    engine: bpy.types.Object, tmp_path: Path, change, words: str
) -> None:
    change(bpy.context.scene, engine)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.render.render(write_still=True)
    assert not list(tmp_path.glob("seen*"))
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.render.render(animation=True)
    assert not list(tmp_path.glob("seen*"))
