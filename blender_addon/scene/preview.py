"""The previewed frame: an image of the .blend, drawn over the camera's view.

Nothing of the gpu module is touched before a viewport really draws.
"""

import logging
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from . import properties, viewport

LOG = logging.getLogger("splitavatar")

IMAGE = "SplitAvatar Preview"
INSET = 0.35
"""Height of the picture as a part of the viewport's, when the view is not the camera's."""

_state: dict[str, Any] = {
    "pixels": None, "texture": None, "handle": None, "failed": False,
    "of": b"", "now": b"",
}  # fmt: skip


def show(rgba: np.ndarray, of: bytes) -> bpy.types.Image:
    """Makes a picture the preview.

    Args:
        rgba: [H, W, 4] uint8, straight alpha, sRGB.
        of: What it shows: compared with `now`.
    """
    # Blender's rows go upwards.
    pixels = np.ascontiguousarray(rgba[::-1], dtype=np.float32) / 255
    _state.update(pixels=pixels, texture=None, failed=False, of=of, now=of)
    viewport.redraw()
    return _written(pixels)


def _written(pixels: np.ndarray) -> bpy.types.Image:
    """The image of the .blend, with these pixels; made where there is none."""
    height, width = pixels.shape[:2]
    target = image()
    if target is None:
        target = bpy.data.images.new(IMAGE, width, height, alpha=True)
        target.alpha_mode = "STRAIGHT"
    if tuple(target.size) != (width, height):
        target.scale(width, height)
    target.pixels.foreach_set(pixels.ravel())
    target.update()
    return target


def stand() -> None:
    """After undo and redo the image is what it was before: a preview is no step of theirs.

    They would bring back one that was cleared, without its pixels, or lose the one that is shown.
    """
    found = image()
    if _state["pixels"] is not None:
        _written(_state["pixels"])
    elif found is not None and not found.users:  # else an image editor shows it
        bpy.data.images.remove(found)


def image() -> bpy.types.Image | None:
    """The last previewed frame, if there is one."""
    return bpy.data.images.get(IMAGE)


def now(key: bytes) -> None:
    """What a preview would show now; a picture of anything else is old, and not drawn."""
    if key != _state["now"]:
        _state["now"] = key
        viewport.redraw()


def is_fresh() -> bool:
    """Whether there is a picture, of what it would show now."""
    return image() is not None and _state["of"] == _state["now"] != b""


def clear() -> None:
    """Takes the preview away."""
    found = image()
    if found is not None:
        bpy.data.images.remove(found)
    forget()


def forget() -> None:
    """There is no preview: it was taken away, or another file was loaded."""
    _state.update(pixels=None, texture=None, of=b"")
    viewport.redraw()


def _draw() -> None:
    context = bpy.context
    wanted = properties.of_scene(context.scene).show_preview and is_fresh()
    if _state["pixels"] is None or not wanted or _state["failed"]:
        return
    try:
        _draw_picture(context)
    except Exception:
        # Once, not at every redraw.
        _state["failed"] = True
        LOG.exception("the preview cannot be drawn")


def _draw_picture(context: bpy.types.Context) -> None:
    import gpu
    from gpu_extras.presets import draw_texture_2d

    pixels = _state["pixels"]
    height, width = pixels.shape[:2]
    if _state["texture"] is None:
        seen = as_displayed(pixels)
        data = gpu.types.Buffer("FLOAT", seen.size, seen.ravel())
        _state["texture"] = gpu.types.GPUTexture((width, height), format="RGBA32F", data=data)
    corner, size = _rectangle(context, width / height)
    gpu.state.blend_set("ALPHA")
    draw_texture_2d(_state["texture"], corner, *size)
    gpu.state.blend_set("NONE")


def as_displayed(pixels: np.ndarray) -> np.ndarray:
    """[H, W, 4] float32 0..1, whose colours come back to the screen as those of `pixels`.

    No view transform touches what a draw handler draws, but Blender reads it by sRGB's curve and
    displays it by a gamma of 2.2: up to 6 of 255 too dark or too bright.
    """
    light = pixels[..., :3] ** 2.2
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.concatenate([curve, pixels[..., 3:]], axis=-1, dtype=np.float32)


def _rectangle(
    context: bpy.types.Context, aspect: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Lower left corner and size, pixels: the camera's frame, or an inset in other views."""
    frame = camera_frame(context)
    if frame is not None:
        left, bottom, right, top = frame
        return (left, bottom), (right - left, top - bottom)
    height = context.region.height * INSET
    return (20.0, 20.0), (height * aspect, height)


def camera_frame(context: bpy.types.Context) -> tuple[float, float, float, float] | None:
    """What the camera takes in: left, bottom, right, top, pixels; None in other views."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    region, view = context.region, context.region_data
    seen_by = context.space_data.camera
    if view.view_perspective != "CAMERA" or seen_by is None or seen_by.type != "CAMERA":
        return None
    frame = seen_by.data.view_frame(scene=context.scene)
    rigid = seen_by.matrix_world.normalized()
    corners = [location_3d_to_region_2d(region, view, rigid @ Vector(c)) for c in frame]
    if any(corner is None for corner in corners):
        return None
    xs, ys = [c.x for c in corners], [c.y for c in corners]
    return min(xs), min(ys), max(xs), max(ys)


def register() -> None:
    """Begins to draw previews."""
    _state["handle"] = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    """Draws no more."""
    if _state["handle"] is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_state["handle"], "WINDOW")
    _state.update(handle=None, pixels=None, texture=None)
