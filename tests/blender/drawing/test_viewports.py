"""A whole redraw, into an offscreen picture that stands for the viewport's."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_addon.drawing import changes, seen, viewports
from blender_addon.drawing.gathered import Gathered, evaluated_data
from blender_addon.scene import clouds, sights, splats
from shared.camera import Camera
from tests.blender.drawing import made_up
from tests.blender.drawing.on_gpu import on_gpu
from tests.blender.drawing.test_splat_picture import expected
from tests.blender.fake_binding import binding_arrays
from tests.blender.seen import positions


@pytest.fixture
def cloud(avatar_rig: bpy.types.Object) -> bpy.types.Object:
    """The avatar's, with enough Gaussians to see something."""
    found = avatar_rig.splitavatar.cloud
    splats.resize(found, 300)
    splats.write(found, made_up.some(300, 1))
    bpy.context.view_layer.update()
    return found


def viewport_space() -> Any:
    spaces = [a.spaces.active for s in bpy.data.screens for a in s.areas if a.type == "VIEW_3D"]
    spaces[0].shading.type, spaces[0].overlay.show_overlays = "SOLID", True
    return spaces[0]


def viewport_context(view: seen.View) -> Any:
    """What a draw handler would find in `bpy.context`."""
    to_view = np.diag([1, -1, -1, 1]) @ made_up.world_camera().viewmat
    return SimpleNamespace(
        scene=bpy.context.scene,
        view_layer=bpy.context.view_layer,
        space_data=viewport_space(),
        mode="OBJECT",
        preferences=bpy.context.preferences,
        active_pose_bone=None,
        screen=SimpleNamespace(is_animation_playing=False),
        region=SimpleNamespace(width=view.size[0], height=view.size[1], as_pointer=lambda: 1),
        region_data=SimpleNamespace(
            view_matrix=Matrix(to_view.tolist()),
            window_matrix=Matrix(view.window.tolist()),
            perspective_matrix=Matrix((view.window @ to_view).tolist()),
            view_perspective="PERSP",
        ),
    )


def redrawn(context: Any, wall_m: float | None = None) -> np.ndarray:
    """[H, W, 4] linear, rows downwards, over black; a red wall stands in the left half."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    width, height = context.region.width, context.region.height
    target = gpu.types.GPUOffScreen(width, height, format="RGBA32F")
    with target.bind():
        framebuffer = gpu.state.active_framebuffer_get()
        framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0), depth=1.0)
        if wall_m is not None:
            window = np.array(context.region_data.window_matrix)
            z = (window[2, 2] * -wall_m + window[2, 3]) / wall_m
            shader = gpu.shader.from_builtin("UNIFORM_COLOR")
            corners = [(-1, -1, z), (0, -1, z), (-1, 1, z), (0, 1, z)]
            batch = batch_for_shader(shader, "TRI_STRIP", {"pos": corners})
            gpu.state.depth_test_set("LESS")
            gpu.state.depth_mask_set(True)
            with gpu.matrix.push_pop(), gpu.matrix.push_pop_projection():
                gpu.matrix.load_identity()
                gpu.matrix.load_projection_matrix(Matrix.Identity(4))
                shader.uniform_float("color", (1, 0, 0, 1))
                batch.draw(shader)
        with gpu.matrix.push_pop(), gpu.matrix.push_pop_projection():
            gpu.matrix.load_matrix(context.region_data.view_matrix)
            gpu.matrix.load_projection_matrix(context.region_data.window_matrix)
            viewports.Viewports().draw(context)
        drawn = made_up.pixels(framebuffer, width, height)
    target.free()
    return drawn


def _light(picture: np.ndarray) -> np.ndarray:
    """What an overlay must hold for these premultiplied colours to be displayed."""
    alpha = picture[..., 3:]
    shown = np.clip(picture[..., :3] / np.maximum(alpha, 1e-9), 0, 1)
    return np.concatenate([shown**2.2 * alpha, alpha], axis=-1)


def test_splats_hide_in_a_wall_and_before_it(cloud: bpy.types.Object) -> None:
    camera = made_up.world_camera()
    context = viewport_context(made_up.view_of(camera, [cloud]))
    away = np.full((camera.height, camera.width), 9.0)
    away[:, : camera.width // 2] = 0.97
    drawn = on_gpu(lambda: redrawn(context, wall_m=0.97))
    small = 0.05  # the avatar's portrait has ten times as many pixels of a head
    wanted = _light(expected([made_up.some(300, 1)], camera, nearest=away, low_pass=small))
    wall = (away < 1)[..., None] * (1 - wanted[..., 3:])
    wanted += wall * [1, 0, 0, 1]
    assert np.abs(drawn - wanted).mean() < 2e-3
    hidden = _light(expected([made_up.some(300, 1)], camera, low_pass=small))
    assert np.abs(drawn - hidden)[:, : camera.width // 2].mean() > 0.05


def test_what_is_hidden_or_out_of_sight_is_not_drawn(
    cloud: bpy.types.Object, avatar_rig: bpy.types.Object
) -> None:
    context = viewport_context(made_up.view_of(made_up.world_camera(), [cloud]))
    assert viewports.shown(context) == [avatar_rig]
    context.space_data.shading.type = "WIREFRAME"
    assert viewports.shown(context) == []
    context.space_data.shading.type = "SOLID"
    avatar_rig.splitavatar.display = "MESH"
    bpy.context.view_layer.update()
    assert viewports.shown(context) == []
    avatar_rig.splitavatar.display = "BOTH"
    avatar_rig.location = (50, 0, 0)
    bpy.context.view_layer.update()
    assert viewports.shown(context) == [avatar_rig]
    assert not on_gpu(lambda: redrawn(context)).any()


def test_bones_lie_before_the_splats_in_pose_mode_alone(
    cloud: bpy.types.Object, avatar_rig: bpy.types.Object
) -> None:
    camera = made_up.world_camera()
    context = viewport_context(made_up.view_of(camera, [cloud]))
    without = on_gpu(lambda: redrawn(context))
    bpy.context.view_layer.objects.active = avatar_rig
    bpy.ops.object.mode_set(mode="POSE")
    with_bones = on_gpu(lambda: redrawn(context))
    context.space_data.overlay.show_bones = False
    switched_off = on_gpu(lambda: redrawn(context))
    context.space_data.overlay.show_bones = True
    bpy.ops.object.mode_set(mode="OBJECT")
    neck = avatar_rig.pose.bones["neck"]
    palette = int(neck.color.palette.removeprefix("THEME")) - 1
    colour = np.array(bpy.context.preferences.themes[0].bone_color_sets[palette].normal)
    column, row = camera.project(np.array(neck.center)).astype(int)
    splats_there, there = without[row, column, :3], with_bones[row, column, :3]
    # Without a window lines are a pixel wide at most, and smooth: some of both is there.
    part = (there - splats_there) @ (colour - splats_there) / np.sum((colour - splats_there) ** 2)
    assert part > 0.3
    np.testing.assert_allclose(there, splats_there + part * (colour - splats_there), atol=0.01)
    np.testing.assert_array_equal(switched_off, without)


def test_points_that_are_no_gaussians_are_left_to_blender(
    cloud: bpy.types.Object, avatar_rig: bpy.types.Object
) -> None:
    context = viewport_context(made_up.view_of(made_up.world_camera(), [cloud]))
    assert viewports.left_to_blender(context) == []
    cloud.data.attributes.remove(cloud.data.attributes["scale"])
    cloud.data.update_tag()
    bpy.context.view_layer.update()
    assert viewports.shown(context) == []
    assert viewports.left_to_blender(context) == [cloud]
    avatar_rig.splitavatar.cloud = None
    assert viewports.shown(context) == viewports.left_to_blender(context) == []
    assert not on_gpu(lambda: redrawn(context)).any()


def test_outside_of_the_cameras_frame_it_is_as_dark_as_the_passepartout(
    cloud: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = made_up.world_camera()
    context = viewport_context(made_up.view_of(camera, [cloud]))
    whole = on_gpu(lambda: redrawn(context))
    made = viewports._view
    half = (0.0, 0.0, camera.width / 2, float(camera.height))
    monkeypatch.setattr(
        viewports, "_view", lambda *args: replace(made(*args), frame=half, dimmed=0.25)
    )
    framed = on_gpu(lambda: redrawn(context))
    middle = camera.width // 2
    np.testing.assert_allclose(framed[:, :middle], whole[:, :middle], atol=1e-6)
    np.testing.assert_allclose(framed[:, middle:, :3], whole[:, middle:, :3] / 4, atol=1e-6)
    np.testing.assert_allclose(framed[..., 3], whole[..., 3], atol=1e-6)


def test_a_cloud_that_its_head_moves_is_drawn_as_it_is_moved(
    avatar_rig: bpy.types.Object, rig_data: dict[str, np.ndarray]
) -> None:
    arrays = binding_arrays(rig_data)
    clouds.bind(avatar_rig, SimpleNamespace(avatar="ada", binding=arrays))
    bpy.context.view_layer.update()
    cloud = avatar_rig.splitavatar.cloud
    context = viewport_context(made_up.view_of(made_up.world_camera(), [cloud]))
    assert viewports.shown(context) == [avatar_rig]
    depsgraph = bpy.context.evaluated_depsgraph_get()
    before = changes.version(cloud)
    gathered = Gathered()
    gathered.update(lambda _: evaluated_data(cloud, depsgraph), [before])
    places = gathered.places.copy()
    avatar_rig["jawOpen"] = 1.0
    avatar_rig.update_tag()
    bpy.context.view_layer.update()
    assert changes.version(cloud) != before
    gathered.update(lambda _: evaluated_data(cloud, depsgraph), [changes.version(cloud)])
    assert np.abs(gathered.places - places).max() > 1e-3
    np.testing.assert_array_equal(
        gathered.places[: len(arrays["means"]), :3], positions(avatar_rig)
    )


def _as_a_picture(
    camera: Camera, drawn: viewports.Rectangle, away: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A made-up picture of a rectangle, rows upwards: premultiplied sRGB and metres."""
    rng = np.random.default_rng(2)
    rgba = rng.uniform(0, 1, (camera.height, camera.width, 4)).astype(np.float32)
    rgba[..., :3] *= rgba[..., 3:]
    part = slice(drawn.y, drawn.y + drawn.height), slice(drawn.x, drawn.x + drawn.width)
    return np.ascontiguousarray(rgba[part]), np.ascontiguousarray(away[part], np.float32)


@pytest.mark.parametrize("reaches", ["whole", "part"])
def test_a_refined_picture_stands_in_place_of_splats_and_meshes_hide_it(
    cloud: bpy.types.Object, monkeypatch: pytest.MonkeyPatch, reaches: str
) -> None:
    camera = made_up.world_camera()
    context = viewport_context(made_up.view_of(camera, [cloud]))
    if reaches == "part":
        inner = viewports.Rectangle(20, 11, 33, 27)
        monkeypatch.setattr(viewports.View, "rectangle", lambda *_: inner)
    splats_alone = on_gpu(lambda: redrawn(context))
    bpy.context.scene.splitavatar.refine_view = True
    noted, note = [], sights.note
    monkeypatch.setattr(sights, "note", lambda *given: noted.append(given) or note(*given))
    np.testing.assert_array_equal(on_gpu(lambda: redrawn(context)), splats_alone)
    region, sight = noted[-1]
    rectangle = viewports.Rectangle(*sight.rectangle)
    across, upwards = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    away = np.where((across + upwards) % 3 > 0, 0.9, 1.1)  # before the wall and behind it
    away[across % 5 == 0] = 1e10  # as far as nothing
    rgba, distances = _as_a_picture(camera, rectangle, away)
    sights.show(region, sights.Refined(sight, b"", rgba, distances))
    drawn = on_gpu(lambda: redrawn(context, wall_m=1.0))[::-1]
    wall = across < camera.width // 2
    wanted = np.where(wall[..., None], [1.0, 0, 0, 1], 0.0)
    part = (
        slice(rectangle.y, rectangle.y + rectangle.height),
        slice(rectangle.x, rectangle.x + rectangle.width),
    )
    is_seen = ~(wall[part] & (distances > 1))[..., None]
    light = _light(rgba) * is_seen
    wanted[part] = light + (1 - light[..., 3:]) * wanted[part]
    np.testing.assert_allclose(drawn, wanted, atol=2e-3)
    context.region_data.view_matrix = Matrix.Translation((1e-4, 0, 0)) @ (
        context.region_data.view_matrix
    )
    moved = on_gpu(lambda: redrawn(context))
    assert noted[-1][1] != sight
    assert np.abs(moved - splats_alone).mean() < 2e-3, "an old picture is shown"
    sights.forget()
