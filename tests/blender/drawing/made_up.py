"""Small clouds, views and what the shaders make of them."""

from collections.abc import Callable, Sequence

import bpy
import numpy as np

from blender_addon.drawing import gathered, seen, splat_picture, surface
from blender_addon.scene import splats
from shared.camera import Camera

SIZE = 72, 56


def some(count: int, seed: int, spread: float = 0.06) -> splats.Splats:
    """Gaussians of all kinds around the origin; some are masked."""
    rng = np.random.default_rng(seed)
    opacities = rng.uniform(0.02, 1, count)
    opacities[::7] = 0
    return splats.Splats(
        means=rng.normal(0, spread, (count, 3)),
        quats=rng.normal(size=(count, 4)),
        scales=rng.uniform(0.002, 0.02, (count, 3)),
        opacities=opacities,
        rgb=rng.integers(0, 256, (count, 3)).astype(np.uint8),
        layers=np.zeros(count, np.uint8),
    )


def cloud(content: splats.Splats, name: str = "Cloud") -> bpy.types.Object:
    """A cloud object that shows `content`."""
    rig = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(rig)
    made = splats.create(bpy.context.scene.collection, name, len(content), rig)
    splats.write(made, content)
    bpy.context.view_layer.update()
    return made


def world_camera() -> Camera:
    """Looks at the origin from before and above, OpenCV's axes, Blender's world."""
    away = np.array([0.2, -0.9, 0.3])
    forward = -away / np.linalg.norm(away)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    viewmat = np.eye(4)
    viewmat[:3, :3] = [right, np.cross(forward, right), forward]
    viewmat[:3, 3] = -viewmat[:3, :3] @ away
    focal, (width, height) = 160.0, SIZE
    return Camera(
        viewmat, np.array([[focal, 0, width / 2 + 3], [0, focal, height / 2 - 2], [0, 0, 1]]),
        width, height,
    )  # fmt: skip


def view_of(
    camera: Camera, objects: Sequence[bpy.types.Object], portraits: tuple[float, ...] = ()
) -> seen.View:
    """The same camera with OpenGL's axes and matrices; `portraits` as in `View`."""
    near, far = 0.1, 10.0
    K, width, height = camera.K, camera.width, camera.height
    window = np.zeros((4, 4))
    window[0, [0, 2]] = 2 * K[0, 0] / width, 1 - 2 * K[0, 2] / width
    window[1, [1, 2]] = 2 * K[1, 1] / height, 2 * K[1, 2] / height - 1
    window[2, 2:] = -(far + near) / (far - near), -2 * far * near / (far - near)
    window[3, 2] = -1
    to_view = np.diag([1, -1, -1, 1]) @ camera.viewmat
    matrices = [to_view @ np.array(one.matrix_world) for one in objects]
    return seen.View((width, height), window, np.stack(matrices), portraits=portraits)


def gather(objects: Sequence[bpy.types.Object]) -> gathered.Gathered:
    """The clouds as they are evaluated now."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    numbers = gathered.Gathered()
    numbers.update(
        lambda n: gathered.evaluated_data(objects[n], depsgraph), list(range(len(objects)))
    )
    return numbers


def draw(
    numbers: gathered.Gathered,
    view: seen.View,
    coarse: bool = False,
    covered: Callable[[seen.Rectangle], np.ndarray] | None = None,
) -> np.ndarray:
    """[H, W, 4] premultiplied, rows downwards, by the shaders. Call it `on_gpu`.

    Args:
        numbers: The Gaussians.
        view: The viewport.
        coarse: As when it moves.
        covered: Depths 0..1 [h, w], rows upwards, of a rectangle; default: nothing is there.
    """
    import gpu

    canvas = surface.Surface()
    picture = splat_picture.SplatPicture(numbers)
    whole = seen.Rectangle(0, 0, *view.size)
    depths = np.ones(view.size[::-1]) if covered is None else covered(whole)
    flat = np.ascontiguousarray(depths, dtype=np.float32).ravel()
    buffer = gpu.types.Buffer("FLOAT", flat.size, flat)
    texture = gpu.types.GPUTexture(view.size, format="R32F", data=buffer)
    drawn = picture.draw(canvas, view, texture, whole, coarse)
    width, height = drawn.size(view)
    framebuffer, _ = canvas.picture((width, height))
    return pixels(framebuffer, width, height)


def pixels(framebuffer: object, width: int, height: int) -> np.ndarray:
    """[H, W, 4] rows downwards, of a framebuffer."""
    read = framebuffer.read_color(0, 0, width, height, 4, 0, "FLOAT")  # pyright: ignore
    read.dimensions = width * height * 4
    return np.array(read, np.float32).reshape(height, width, 4)[::-1]
