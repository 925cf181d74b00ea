"""A render under the Standard view has the bytes of the splats' own colours."""

from pathlib import Path

import bpy
import numpy as np

from blender_addon.scene import splats
from blender_addon.scene.rig import to_blender

SIDE, PIXELS = 6, 12  # balls in a row, and pixels of each


def test_cycles_shows_each_colour_as_it_is(tmp_path: Path) -> None:
    count = SIDE * SIDE
    rgb = np.random.default_rng(4).integers(0, 256, (count, 3), dtype=np.uint8)
    rgb[:4] = np.array([0, 8, 12, 255])[:, None]  # below and above the knee of sRGB
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    means = np.stack([x.ravel(), y.ravel(), np.zeros(count)], axis=1) - (SIDE - 1) / 2
    given = splats.Splats(
        means=means,
        quats=np.tile([1.0, 0, 0, 0], (count, 1)),
        scales=np.full((count, 3), 0.45),
        opacities=np.ones(count),
        rgb=rgb,
        layers=np.zeros(count, np.uint8),
    )
    scene = bpy.context.scene
    cloud = splats.create(scene.collection, "Cloud", count, None)
    splats.write(cloud, given)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", SIDE
    scene.collection.objects.link(camera)
    camera.rotation_euler = (np.pi / 2, 0, 0)  # the face looks along -Y
    camera.location = (0, -10, 0)
    scene.camera, scene.render.engine, scene.cycles.samples = camera, "CYCLES", 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = SIDE * PIXELS
    scene.view_settings.view_transform = "Standard"
    scene.render.dither_intensity = 0
    scene.render.filepath = str(tmp_path / "seen.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    image.colorspace_settings.name = "Non-Color"
    pixels = np.array(image.pixels[:]).reshape(SIDE * PIXELS, SIDE * PIXELS, 4)[..., :3] * 255
    centres = to_blender(means)[:, [0, 2]]
    at = ((centres + SIDE / 2) * PIXELS).astype(int)
    assert np.abs(pixels[at[:, 1], at[:, 0]] - rgb).max() <= 1
