"""Pictures of several avatars as one: each pixel's nearest in front."""

from typing import NamedTuple

import numpy as np

NOTHING = 1e10
"""Blender's depth of a pixel that nothing covers."""


class Picture(NamedTuple):
    """What is seen of all avatars.

    Args:
        colour: [H, W, 4] float32, premultiplied, scene-linear.
        depth: [H, W] float32, metres from the camera, `NOTHING` where there is none.
        layer: [H, W] float32, one more than the layer that is seen, 0: none. None: not asked for.
    """

    colour: np.ndarray
    depth: np.ndarray
    layer: np.ndarray | None = None


def laid_over(pictures: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Pictures as one, each pixel's nearest in front.

    Args:
        pictures: [H, W, 4] uint8, straight alpha, sRGB; and [H, W] camera depth in metres,
            0: nothing.

    Returns:
        Colour and depth of a `Picture`.
    """
    layers = np.stack([_premultiplied(rgba) for rgba, _ in pictures])
    return stacked(layers, np.stack([depth for _, depth in pictures]))


def stacked(layers: np.ndarray, depths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Layers over each other, each pixel's nearest in front.

    Args:
        layers: [A, H, W, 4] premultiplied.
        depths: [A, H, W] metres, 0: nothing.

    Returns:
        Colours as the layers have them; the nearest depth, `NOTHING` where there is none.
    """
    depths = np.where(depths > 0, depths, NOTHING)
    nearest_m = depths.min(axis=0).astype(np.float32)
    if len(layers) == 1:
        return layers[0], nearest_m
    combined = np.zeros_like(layers[0])
    for place in np.argsort(depths, axis=0, kind="stable"):
        nearest = np.take_along_axis(layers, place[None, ..., None], axis=0)[0]
        combined += (1 - combined[..., 3:]) * nearest
    return combined, nearest_m


def nearest(values: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Each pixel's value of what is nearest there.

    Args:
        values: [A, H, W].
        depths: [A, H, W] metres, 0: nothing.

    Returns:
        [H, W] float32.
    """
    first = np.where(depths > 0, depths, NOTHING).argmin(axis=0)
    return np.take_along_axis(values, first[None], axis=0)[0].astype(np.float32)


def _premultiplied(rgba: np.ndarray) -> np.ndarray:
    values = rgba.astype(np.float32) / 255
    colour, alpha = values[..., :3], values[..., 3:]
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return np.concatenate([linear * alpha, alpha], axis=-1, dtype=np.float32)
