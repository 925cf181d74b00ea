"""The picture that Gaussians are blended in, as large as the viewport.

The viewport's own framebuffer has 8 bits and blends linear light, the avatars' colours are blended
as they are displayed. So they get a picture of their own, half floats, and the scene's depth is
read back and compared by the shader: a strand of hair before a mesh hides it, one behind is hidden.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..scene.sights import Refined
from . import shaders
from .seen import Rectangle, View

QUAD = ((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0))


@dataclass(frozen=True)
class Drawn:
    """How many Gaussians of an order make a picture, and how.

    Args:
        count: How many.
        enlarged: Factor on their standard deviations.
        shrunk: How many pixels of the viewport, a side, make one of the picture.
    """

    count: int
    enlarged: float
    shrunk: int

    def size(self, view: View) -> tuple[int, int]:
        """Width and height of the picture."""
        return -(-view.size[0] // self.shrunk), -(-view.size[1] // self.shrunk)


class Surface:
    """Shaders, quad and a picture for each size of viewport."""

    def __init__(self) -> None:
        from gpu_extras.batch import batch_for_shader

        self.shader = shaders.splats()
        self._over = shaders.over()
        self._refined = shaders.refined()
        self._uploaded: tuple[Refined, dict[str, Any]] | None = None
        self._quad = batch_for_shader(self.shader, "TRI_STRIP", {"corner": QUAD})
        self._pictures: dict[tuple[int, int], tuple[Any, Any]] = {}

    def picture(self, size: tuple[int, int]) -> tuple[Any, Any]:
        """Framebuffer and RGBA16F texture (premultiplied sRGB) of a size; those of four stay."""
        import gpu

        if size not in self._pictures:
            while len(self._pictures) >= 4:
                del self._pictures[next(iter(self._pictures))]
            texture = gpu.types.GPUTexture(size, format="RGBA16F")
            self._pictures[size] = (gpu.types.GPUFrameBuffer(color_slots=texture), texture)
        return self._pictures[size]

    def blend(
        self, view: View, samplers: dict[str, Any], rectangle: Rectangle, drawn: Drawn
    ) -> None:
        """Draws Gaussians into the picture of a view, over nothing.

        Args:
            view: The viewport.
            samplers: All textures of `shaders.splats`.
            rectangle: Where `depths` lies in the viewport.
            drawn: How many, and how.
        """
        import gpu
        from mathutils import Matrix

        framebuffer, _ = self.picture(drawn.size(view))
        with framebuffer.bind():
            framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0))
            gpu.state.depth_test_set("NONE")
            gpu.state.blend_set("ALPHA_PREMULT")
            self.shader.bind()
            for name, texture in samplers.items():
                self.shader.uniform_sampler(name, texture)
            self.shader.uniform_float("window", Matrix(view.window.tolist()))
            self.shader.uniform_float("size", drawn.size(view))
            self.shader.uniform_float("origin", (rectangle.x, rectangle.y))
            self.shader.uniform_float("enlarged", drawn.enlarged)
            self.shader.uniform_float("shrunk", drawn.shrunk)
            self._quad.draw_instanced(self.shader, instance_count=drawn.count)
            gpu.state.blend_set("NONE")

    def lay_over(self, view: View, rectangle: Rectangle, drawn: Drawn) -> None:
        """Lays a rectangle of the picture of a view over the framebuffer that is bound."""
        self._over.bind()
        self._over.uniform_sampler("picture", self.picture(drawn.size(view))[1])
        self._over.uniform_float("shrunk", drawn.shrunk)
        _lay(self._over, view, rectangle)

    def lay_refined(self, view: View, rectangle: Rectangle, covered: Any, picture: Refined) -> None:
        """Lays the backend's picture over the framebuffer that is bound, where it is nearer.

        Args:
            view: The viewport.
            rectangle: What the picture shows of it.
            covered: Texture of the scene's depths there.
            picture: See `scene.sights`.
        """
        if self._uploaded is None or self._uploaded[0] is not picture:
            self._uploaded = (
                picture,
                {"picture": _texture(picture.rgba), "away": _texture(picture.away)},
            )
        self._refined.bind()
        for name, texture in (self._uploaded[1] | {"depths": covered}).items():
            self._refined.uniform_sampler(name, texture)
        self._refined.uniform_float("origin", (rectangle.x, rectangle.y))
        self._refined.uniform_float("deepening", (view.window[2, 2], view.window[2, 3]))
        _lay(self._refined, view, rectangle)


def _lay(shader: Any, view: View, rectangle: Rectangle) -> None:
    """Draws a rectangle of a viewport by a shader that is bound."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    across, upwards = (
        (2 * start / whole - 1, 2 * (start + part) / whole - 1)
        for start, part, whole in (
            (rectangle.x, rectangle.width, view.size[0]),
            (rectangle.y, rectangle.height, view.size[1]),
        )
    )
    corners = [(x, y) for y in upwards for x in across]
    quad = batch_for_shader(shader, "TRI_STRIP", {"corner": corners})
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("ALPHA_PREMULT")
    shader.uniform_float("frame", view.frame)
    shader.uniform_float("dimmed", view.dimmed)
    quad.draw(shader)
    gpu.state.blend_set("NONE")


def _texture(numbers: np.ndarray) -> Any:
    """A float texture of [H, W, 4] or [H, W] numbers, rows upwards."""
    import gpu

    height, width = numbers.shape[:2]
    data = gpu.types.Buffer("FLOAT", numbers.size, numbers.reshape(-1))
    channels = "RGBA32F" if numbers.ndim == 3 else "R32F"
    return gpu.types.GPUTexture((width, height), format=channels, data=data)


def depths(framebuffer: Any, rectangle: Rectangle) -> Any:
    """The depth that a framebuffer has in a rectangle, as a texture."""
    import gpu

    size = (rectangle.width, rectangle.height)
    data = framebuffer.read_depth(rectangle.x, rectangle.y, *size)
    return gpu.types.GPUTexture(size, format="R32F", data=data)


def nothing_nearer(rectangle: Rectangle) -> Any:
    """Depths of an empty scene."""
    import gpu

    texture = gpu.types.GPUTexture((rectangle.width, rectangle.height), format="R32F")
    texture.clear(format="FLOAT", value=(1.0,))
    return texture
