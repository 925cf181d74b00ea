"""Motion blur: a frame's picture is the mean of several while Blender's shutter is open.

In scene-linear light, premultiplied; a pixel is as near as the nearest of them, and shows the layer
that it does in the middle one: between the numbers of two layers lie those of others. Where nothing
moves there is one picture, and a frame without motion blur is that of its own moment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from .._shared import AvatarError
from ..scene import properties
from . import frame_pictures
from .depth_order import Picture
from .shot import Shot, between, key_of

BEFORE = {"START": 0.0, "CENTER": 0.5, "END": 1.0}
"""How much of the shutter's time lies before the frame, by Blender's name of its position."""


@dataclass(frozen=True)
class Moment:
    """A moment while the shutter is open.

    Args:
        time: Frames of the scene, with parts of them.
        weight: How much of the picture it makes; those of a frame add up to 1.
    """

    time: float
    weight: float


def now(scene: bpy.types.Scene) -> float:
    """The frame that a scene is at, with its part."""
    return scene.frame_current + scene.frame_subframe


def moments(depsgraph: bpy.types.Depsgraph) -> list[Moment]:
    """The moments that the picture of the frame that is evaluated is made of, in order.

    Raises:
        AvatarError: `bad_request` for a shutter that never opens.
    """
    scene = depsgraph.scene  # its own copy: the curve's table is made anew
    frame, render = now(scene.original), scene.render
    if not render.use_motion_blur:
        return [Moment(frame, 1.0)]
    count = properties.of_scene(scene).blur_pictures
    places = (np.arange(count) + 0.5) / count
    opens = frame - BEFORE[render.motion_blur_position] * render.motion_blur_shutter
    times = opens + places * render.motion_blur_shutter
    curve = render.motion_blur_shutter_curve
    curve.initialize()
    heights = np.array([curve.evaluate(curve.curves[0], place) for place in places]).clip(0)
    if not heights.any():
        raise AvatarError(
            "bad_request",
            "The shutter curve of the scene's motion blur is 0 everywhere.",
            "Raise it, or switch motion blur off.",
        )
    weights = heights / heights.sum()
    return [Moment(float(t), float(w)) for t, w in zip(times, weights, strict=True) if w > 0]


def rendered(
    shots: Sequence[Sequence[Shot]],
    weights: Sequence[float],
    is_cancelled: Callable[[], bool],
    with_layers: bool,
    made: tuple[Sequence[Shot], Picture] | None = None,
) -> Picture | None:
    """The mean of the pictures of several moments.

    Args:
        shots: Each moment's, of every avatar.
        weights: Of the moments.
        is_cancelled: See `frame_pictures.rendered`.
        with_layers: Whether the picture says which layer each pixel shows.
        made: A picture that there is already, made with as much, and what it is of.

    Returns:
        None when it was cancelled.

    Raises:
        AvatarError: See `frame_pictures.rendered`.
    """
    different: dict[bytes, tuple[Sequence[Shot], float]] = {}
    for moment, weight in zip(shots, weights, strict=True):
        key = key_of(moment)
        _, so_far = different.get(key, (moment, 0.0))
        different[key] = moment, so_far + weight
    known = {} if made is None else {key_of(made[0]): made[1]}
    middle, layer = key_of(shots[len(shots) // 2]), None
    mean: Picture | None = None
    for key, (moment, weight) in different.items():
        is_asked = with_layers and key == middle
        picture = known.get(key) or frame_pictures.rendered(moment, is_cancelled, is_asked)
        if picture is None or len(different) == 1:
            return picture
        layer = picture.layer if is_asked else layer
        colour, depth = picture.colour * np.float32(weight), picture.depth
        if mean is not None:
            colour, depth = mean.colour + colour, np.fmin(mean.depth, depth)
        mean = Picture(colour, depth, layer)
    return mean


def at(evaluated: Mapping[float, Sequence[Shot]], time: float) -> Sequence[Shot]:
    """What is seen at a moment, from the moments that an engine has evaluated around it.

    Args:
        evaluated: By time, of the same avatars in the same order; one at least.
        time: Before the first and after the last it is theirs.
    """
    times = sorted(evaluated)
    after = min(int(np.searchsorted(times, time)), len(times) - 1)
    if times[after] <= time or after == 0:
        return evaluated[times[after]]
    start, end = times[after - 1], times[after]
    pairs = zip(evaluated[start], evaluated[end], strict=True)
    return [between(one, other, (time - start) / (end - start)) for one, other in pairs]
