"""Colours of splats on the screen, as Blender itself displays a viewport's overlays."""

from collections.abc import Iterator

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_addon.scene import splats
from tests.blender.drawing import made_up
from tests.blender.drawing.on_gpu import on_gpu
from tests.blender.drawing.test_viewports import redrawn, viewport_context, viewport_space

THEME = (15, 61, 200)
"""Bytes of a colour that Blender itself draws into overlays."""


@pytest.fixture
def painted() -> Iterator[bpy.types.Scene]:
    """A scene of one blue plane, whose faces a viewport's overlay may paint in `THEME`."""
    scene = bpy.data.scenes.new("Painted")
    scene.render.engine = "BLENDER_WORKBENCH"
    mesh = bpy.data.meshes.new("Plane")
    mesh.from_pydata([(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)], [], [(0, 1, 2, 3)])
    scene.collection.objects.link(bpy.data.objects.new("Plane", mesh))
    mesh.materials.append(bpy.data.materials.new("Blue"))
    mesh.materials[0].diffuse_color = (0.02, 0.02, 0.9, 1)
    theme = bpy.context.preferences.themes[0].view_3d
    before = tuple(theme.face_front)
    theme.face_front = (*np.array(THEME) / 255, 1)
    yield scene
    theme.face_front = before
    viewport_space().overlay.show_face_orientation = False


def _seen_by_blender(scene: bpy.types.Scene, is_painted: bool, is_displayed: bool) -> np.ndarray:
    """[3] what the middle of a viewport holds that Blender draws itself; or what it displays."""
    import gpu

    space = viewport_space()
    space.shading.type, space.overlay.show_face_orientation = "RENDERED", is_painted
    areas = [area for s in bpy.data.screens for area in s.areas if area.type == "VIEW_3D"]
    region = next(region for region in areas[0].regions if region.type == "WINDOW")
    window = Matrix(((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, -1.02, -0.2), (0, 0, -1, 0)))
    target = gpu.types.GPUOffScreen(32, 32, format="RGBA32F")
    target.draw_view3d(
        scene, scene.view_layers[0], space, region, Matrix.Translation((0, 0, -1)), window,
        do_color_management=is_displayed,
    )  # fmt: skip
    with target.bind():
        found = made_up.pixels(gpu.state.active_framebuffer_get(), 32, 32)
    target.free()
    return np.median(found[12:20, 12:20, :3], axis=(0, 1))


@pytest.mark.parametrize("view", ["Standard", "AgX", "Filmic"])
def test_blender_displays_splats_in_their_own_bytes(
    avatar_rig: bpy.types.Object, painted: bpy.types.Scene, view: str
) -> None:
    """Blender calls no draw handlers here: what lies in an overlay that it displays in some bytes
    is between what splats of a byte less and of one more put there."""
    meshes = {}
    for name in ("Standard", view):
        painted.view_settings.view_transform = name
        painted.view_layers[0].update()
        meshes[name] = on_gpu(lambda: _seen_by_blender(painted, False, True))
    if view != "Standard":
        assert np.abs(np.subtract(*meshes.values())).max() > 4 / 255, "it does not count"
    held = on_gpu(lambda: _seen_by_blender(painted, True, False))
    bytes_shown = np.rint(on_gpu(lambda: _seen_by_blender(painted, True, True)) * 255)
    assert np.abs(bytes_shown - THEME).max() > 3, "dark colours: Blender displays no sRGB"
    less, more = (
        _laid_of_bytes(avatar_rig.splitavatar.cloud, bytes_shown + change) for change in (-1, 1)
    )
    assert (less < held).all(), (less, held)
    assert (held < more).all(), (held, more)


def _laid_of_bytes(cloud: bpy.types.Object, rgb: np.ndarray) -> np.ndarray:
    """[3] what a redraw puts into the overlay where splats of one colour, in bytes, hide all."""
    many = 8
    opaque = splats.Splats(
        means=np.zeros((many, 3)),
        quats=np.tile([1.0, 0, 0, 0], (many, 1)),
        scales=np.full((many, 3), 0.3),
        opacities=np.ones(many),
        rgb=np.tile(rgb, (many, 1)).astype(np.uint8),
        layers=np.zeros(many, np.uint8),
    )
    splats.resize(cloud, many)
    splats.write(cloud, opaque)
    bpy.context.view_layer.update()
    context = viewport_context(made_up.view_of(made_up.world_camera(), [cloud]))
    drawn = on_gpu(lambda: redrawn(context))
    height, width = drawn.shape[:2]
    middle = drawn[height // 2, width // 2]
    assert middle[3] > 0.999
    return middle[:3]
