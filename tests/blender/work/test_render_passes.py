"""Avatars in renders by other engines: the backend's bytes, among the meshes by depth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from blender_addon.scene import cameras, compositing, properties
from blender_addon.work import session
from blender_addon.work.shot import Shot
from shared.messages import FrameReply
from tests.blender.shining_cube import add_cube, camera_to
from tests.blender.work.test_render_engine import direct, rendered
from tests.cube_depth import cube_depth

EEVEE = "BLENDER_EEVEE" if bpy.app.version >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"


@pytest.fixture
def seen(live_rig: bpy.types.Object, tmp_path: Path) -> bpy.types.Object:
    """The rig in a small scene of Cycles, refined; renders go to `seen`."""
    scene = bpy.context.scene
    bpy.ops.splitavatar.add_camera()
    scene.render.resolution_percentage = 20
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = f"{tmp_path}/seen"
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 16
    scene.cycles.use_denoising = False
    bpy.ops.splitavatar.refine_renders()
    return live_rig


def reply_of(armature: bpy.types.Object) -> FrameReply:
    """What the backend answers to the rig as it is now."""
    shot = Shot.of(armature, bpy.context.evaluated_depsgraph_get())
    return session.finish(session.get().render(armature, shot.frame, shot.camera))


def nearest_of_cube(cube: bpy.types.Object, armature: bpy.types.Object) -> np.ndarray:
    """[H, W] metres to the cube in each pixel."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = cameras.scene_camera(bpy.context.scene, armature, depsgraph)
    return cube_depth(view, camera_to(cube), abs(cube.data.vertices[0].co.x))


def red(picture: np.ndarray) -> np.ndarray:
    """[H, W] scene-linear, premultiplied."""
    return (picture[..., 0] / 255) ** 2.2 * picture[..., 3] / 255


def agreement(cube: bpy.types.Object, armature: bpy.types.Object, picture: np.ndarray) -> float:
    """Intersection over union: where the cube is seen, and where it is nearer than the avatar."""
    reply = reply_of(armature)
    nearest = nearest_of_cube(cube, armature)
    wanted = nearest < np.where(reply.depth > 0, reply.depth, np.inf)
    hidden = np.isfinite(nearest) & ~wanted
    there = reply.rgba[..., 3] > 25  # elsewhere the avatar hides nothing
    assert min((wanted & there).sum(), (hidden & there).sum()) > 500, "not halfway through it"
    # The avatar is grey, the cube has no red: it is seen where less than half of the red is left.
    is_cube = red(picture) < red(reply.rgba) / 2
    return (is_cube & wanted & there).sum() / ((is_cube | wanted) & there).sum()


def test_a_still_has_the_backend_s_bytes_where_no_mesh_is(
    seen: bpy.types.Object, tmp_path: Path
) -> None:
    cube = add_cube(0.1, 1.0)
    bpy.ops.render.render(write_still=True)
    picture, wanted = rendered(tmp_path / "seen.png"), direct(seen)
    assert picture.shape == wanted.shape
    clear = ~around(np.isfinite(nearest_of_cube(cube, seen)))
    assert np.abs(picture[..., 3] - wanted[..., 3])[clear].max() <= 1
    opaque = (wanted[..., 3] > 200) & clear  # below, 8 bits of premultiplied colours are coarse
    assert opaque.any()
    assert np.abs(picture - wanted)[opaque].max() <= 1


@pytest.mark.parametrize("view", ["AgX", "Filmic"])
def test_other_view_transforms_leave_the_colours_alone(
    seen: bpy.types.Object, tmp_path: Path, view: str
) -> None:
    bpy.context.scene.view_settings.view_transform = view
    seen.pose.bones["root"].location = (0.03, 0.03, 0.03)  # brighter: AgX leaves middle grey alone
    bpy.ops.render.render(write_still=True)
    picture, wanted = rendered(tmp_path / "seen.png"), direct(seen)
    assert np.abs(picture[..., 3] - wanted[..., 3]).max() <= 1
    seen_well = wanted[..., 3] > 100
    assert np.abs(picture - wanted)[seen_well].max() <= 2
    bpy.context.scene.view_settings.view_transform = "Standard"
    bpy.ops.render.render(write_still=True)
    assert np.abs(rendered(tmp_path / "seen.png") - wanted)[wanted[..., 3] > 200].max() <= 1


def around(mask: np.ndarray) -> np.ndarray:
    """The mask and the pixels beside it, 3 far: an engine's filter and Blender's anti-aliasing."""
    grown = np.zeros_like(mask)
    for row, column in np.argwhere(mask):
        grown[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4] = True
    return grown


@pytest.mark.parametrize("engine", ["CYCLES", EEVEE])
@pytest.mark.parametrize("film_transparent", [True, False])
def test_a_cube_halfway_through_the_avatar_is_seen_where_it_is_nearer(
    seen: bpy.types.Object, tmp_path: Path, engine: str, film_transparent: bool
) -> None:
    cube, scene = add_cube(0.12, 1.0), bpy.context.scene
    scene.render.engine, scene.eevee.taa_render_samples = engine, 4
    scene.render.film_transparent = film_transparent
    bpy.ops.render.render(write_still=True)
    assert agreement(cube, seen, rendered(tmp_path / "seen.png")) >= 0.98


def test_each_frame_of_an_animation_is_its_own(seen: bpy.types.Object, tmp_path: Path) -> None:
    scene = bpy.context.scene
    for frame, value in ((1, 0.0), (3, 1.0)):
        seen["jawOpen"] = value
        seen.keyframe_insert('["jawOpen"]', frame=frame)
    scene.frame_start, scene.frame_end, scene.frame_step = 1, 3, 2
    # Moments around each frame are evaluated too; there the jaw, eased, hardly moves.
    scene.render.use_motion_blur = True
    bpy.ops.render.render(animation=True)
    pictures = []
    for frame in (1, 3):
        scene.frame_set(frame)
        picture, wanted = rendered(tmp_path / f"seen{frame:04d}.png"), direct(seen)
        opaque = wanted[..., 3] > 200
        assert np.abs(picture - wanted)[opaque].max() <= 1
        pictures.append(picture)
    assert (pictures[0] != pictures[1]).any()
    assert not (tmp_path / "seen0002.png").exists()


def test_a_saved_file_renders_twice_to_the_same_bytes(
    seen: bpy.types.Object, tmp_path: Path
) -> None:
    add_cube(0.1, 1.0)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    pictures = []
    for _ in range(2):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
        bpy.ops.render.render(write_still=True)
        pictures.append(rendered(tmp_path / "seen.png"))
    np.testing.assert_array_equal(*pictures)
    rig = properties.rigs(bpy.context.scene)[0]
    assert np.abs(pictures[0] - direct(rig))[-3:].max() <= 1


def test_a_render_region_is_that_part_of_the_whole(seen: bpy.types.Object, tmp_path: Path) -> None:
    render = bpy.context.scene.render
    bpy.ops.render.render(write_still=True)
    whole = rendered(tmp_path / "seen.png")
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = 0.21, 0.87
    render.border_min_y, render.border_max_y = 0.5, 0.93
    bpy.ops.render.render(write_still=True)
    # Of 102 pixels: 0.21 is the 21st, 0.87 the 88th, 0.93 the 94th from below.
    np.testing.assert_array_equal(rendered(tmp_path / "seen.png"), whole[102 - 94 : 51, 21:88])


def test_all_avatars_that_the_view_layer_renders_are_shown(
    seen: bpy.types.Object, portrait: Path, tmp_path: Path
) -> None:
    alone = direct(seen)[..., 3]
    place = str(tmp_path / "other.savatar")
    bpy.ops.splitavatar.create_avatar(filepath=str(portrait), avatar_path=place)
    other = bpy.context.active_object
    assert other != seen
    both = 255 - (255 - alone) * (255 - direct(other)[..., 3]) / 255
    assert np.abs(both - alone).max() > 50
    collection = bpy.context.view_layer.layer_collection.children[other.users_collection[0].name]
    for is_left_out, wanted in ((False, both), (True, alone)):
        collection.exclude = is_left_out
        bpy.ops.render.render(write_still=True)
        assert np.abs(rendered(tmp_path / "seen.png")[..., 3] - wanted).max() <= 1


def balls(tmp_path: Path) -> np.ndarray:
    """The picture as it is without any of this."""
    bpy.ops.splitavatar.refine_no_more()
    bpy.ops.render.render(write_still=True)
    picture = rendered(tmp_path / "seen.png")
    bpy.ops.splitavatar.refine_renders()
    return picture


@pytest.mark.parametrize("persistent", [True, False])
def test_what_cannot_be_refined_is_told_and_rendered_as_balls(
    seen: bpy.types.Object,
    tmp_path: Path,
    persistent: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = bpy.context.scene
    scene.render.use_persistent_data = persistent
    camera = scene.camera.data
    for frame, kind in ((1, "PERSP"), (2, "ORTHO"), (3, "PERSP")):
        camera.type = kind
        camera.keyframe_insert("type", frame=frame)
    scene.frame_end = 3
    bpy.ops.render.render(animation=True)
    assert "Frame 2: splats of grace are balls" in caplog.text
    assert "is ortho" in str(session.get().error)
    scene.frame_set(2)
    np.testing.assert_array_equal(rendered(tmp_path / "seen0002.png"), balls(tmp_path))
    for frame in (1, 3):
        scene.frame_set(frame)
        picture, wanted = rendered(tmp_path / f"seen{frame:04d}.png"), direct(seen)
        assert np.abs(picture[..., 3] - wanted[..., 3]).max() <= 1


@pytest.mark.parametrize(
    "switch_off",
    [
        lambda scene: setattr(scene.render, "use_compositing", False),
        lambda scene: setattr(group_node(scene), "mute", True),
        lambda scene: setattr(compositing.pictures_scene(), "camera", None),
        lambda scene: setattr(compositing.pictures_scene().render, "engine", EEVEE),
    ],
)
def test_where_the_compositor_does_not_take_them_splats_are_balls(
    seen: bpy.types.Object, tmp_path: Path, switch_off: Callable[[bpy.types.Scene], None]
) -> None:
    wanted = balls(tmp_path)
    switch_off(bpy.context.scene)
    bpy.ops.render.render(write_still=True)
    np.testing.assert_array_equal(rendered(tmp_path / "seen.png"), wanted)


def test_the_engine_splitavatar_shows_an_avatar_once(
    seen: bpy.types.Object, tmp_path: Path
) -> None:
    bpy.context.scene.render.engine = compositing.ENGINE
    bpy.ops.render.render(write_still=True)
    picture, wanted = rendered(tmp_path / "seen.png"), direct(seen)
    assert np.abs(picture[..., 3] - wanted[..., 3]).max() <= 1


def group_node(scene: bpy.types.Scene) -> bpy.types.Node:
    """The node that puts the avatars among the meshes."""
    return next(node for node in compositing.tree(scene).nodes if node.type == "GROUP")


@pytest.mark.parametrize("through_nodes", [False, True])
def test_another_scene_of_the_file_is_rendered_as_before(
    seen: bpy.types.Object, tmp_path: Path, through_nodes: bool
) -> None:
    """Its own objects, or what its compositor asks the refined scene for."""
    wanted = balls(tmp_path)
    other = bpy.data.scenes.new("Other")
    for found in bpy.context.scene.objects:
        other.collection.objects.link(found)
    other.camera = bpy.context.scene.camera
    for name in ("engine", "resolution_x", "resolution_y", "resolution_percentage", "filepath"):
        setattr(other.render, name, getattr(bpy.context.scene.render, name))
    other.render.film_transparent, other.render.dither_intensity = True, 0
    other.cycles.samples, other.cycles.use_denoising = 16, False
    other.view_settings.view_transform = "Standard"
    if through_nodes:
        nodes = plain_tree(other)
        source = next(node for node in nodes.nodes if node.type == "R_LAYERS")
        source.scene = bpy.context.scene
    bpy.ops.render.render(write_still=True, scene=other.name)
    np.testing.assert_array_equal(rendered(tmp_path / "seen.png"), wanted)


def plain_tree(scene: bpy.types.Scene) -> Any:
    """A compositor that changes nothing: as `compositing` makes it."""
    compositing.add(scene, scene.view_layers[0])
    nodes = compositing.tree(scene)
    group = group_node(scene)
    source = group.inputs["Image"].links[0].from_socket
    nodes.links.new(source, group.outputs[0].links[0].to_socket)
    return nodes


def test_the_scene_that_hands_over_is_not_rendered_alone(
    seen: bpy.types.Object, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="only hands avatars over"):
        bpy.ops.render.render(write_still=True, scene=compositing.PICTURES)
    assert not (tmp_path / "seen.png").exists()


def test_a_render_changes_nothing_of_the_file(seen: bpy.types.Object) -> None:
    cloud = properties.of_rig(seen).cloud
    for visible in (True, False):
        cloud.visible_camera = visible
        bpy.ops.render.render()
        assert cloud.visible_camera == visible
        assert not cloud.hide_render
