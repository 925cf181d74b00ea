"""Gaussians as Blender point clouds, under the attribute names of Blender's native splats.

`position`, `rotation` (QUATERNION wxyz), `scale` (linear metres) and `radiance:base` (f_dc_0..2
and alpha) are what Blender 5.3 renders as Gaussian splats. Besides, `radius` (for renderers that
draw points as balls) and `layer`. The number of points of an avatar never changes: a masked
Gaussian keeps its place with the smallest opacity and the smallest scale of the others.
"""

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from . import native_splats, points
from .rig import to_blender
from .splat_material import SH_C0, splat_material

MASKED_OPACITY = 1e-3
MASKED_RADIUS_M = 1e-7

BALL_SIGMAS = 1.3
"""Radius of a Gaussian drawn as a ball, by the mean of its two longer axes: flat Gaussians become
skin without gaps. Less shows what lies behind as dark dots, more makes hair coarse."""

# Blender 5.2 stores what the native renderer reads; before, a colour holds the same four numbers.
ATTRIBUTES = {
    "rotation": "QUATERNION",
    "scale": "FLOAT_VECTOR",
    "radiance:base": "FLOAT4" if bpy.app.version >= (5, 2, 0) else "FLOAT_COLOR",
    "radius": "FLOAT",
    "layer": "INT",
}
"""Point attributes besides `position`, and their types."""

_FIELD = {"FLOAT_COLOR": "color", "FLOAT_VECTOR": "vector", "FLOAT4": "vector"}


@dataclass
class Splats:
    """Gaussians of one frame, head space, as many as the avatar has.

    Args:
        means: [N, 3] metres.
        quats: [N, 4] wxyz.
        scales: [N, 3] linear metres.
        opacities: [N] 0..1, 0 = masked.
        rgb: [N, 3] uint8, display-referred sRGB.
        layers: [N] uint8.
    """

    means: np.ndarray
    quats: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    rgb: np.ndarray
    layers: np.ndarray

    def __len__(self) -> int:
        return len(self.means)


def quats_to_blender(quats: np.ndarray) -> np.ndarray:
    """[N, 4] wxyz in head space -> in object space, normalised float32.

    The change of axes is a quarter turn about X, so its quaternion is (1, 1, 0, 0) / sqrt(2).
    """
    w, x, y, z = np.asarray(quats, np.float32).T
    turned = np.stack([w - x, x + w, y - z, z + y], axis=1)
    length = np.linalg.norm(turned, axis=1, keepdims=True)
    return np.ascontiguousarray(turned / np.maximum(length, 1e-12))


def attribute_values(splats: Splats) -> dict[str, np.ndarray]:
    """Contiguous float32 (int32 for `layer`) values of every attribute of `splats`."""
    masked = np.asarray(splats.opacities) <= 0
    alpha = np.where(masked, MASKED_OPACITY, splats.opacities.astype(np.float32))[:, None]
    # Blender 5.3 quantises scales between the smallest and the largest of all points.
    smallest = splats.scales.min(where=~masked[:, None], initial=1.0)
    scales = np.where(masked[:, None], smallest, splats.scales).astype(np.float32)
    radius = np.sort(scales, axis=1)[:, 1:].mean(axis=1) * np.float32(BALL_SIGMAS)
    dc = (splats.rgb.astype(np.float32) / 255 - 0.5) / SH_C0
    return {
        "position": to_blender(splats.means),
        "rotation": quats_to_blender(splats.quats),
        "scale": scales,
        "radiance:base": np.concatenate([dc, alpha], axis=1, dtype=np.float32),
        "radius": np.where(masked, np.float32(MASKED_RADIUS_M), radius),
        "layer": splats.layers.astype(np.int32),
    }


def create(
    collection: bpy.types.Collection, name: str, count: int, rig: bpy.types.Object
) -> bpy.types.Object:
    """Adds an empty point cloud object of `count` points that follows the rig's object."""
    cloud = bpy.data.objects.new(name, _new_data(name, count))
    collection.objects.link(cloud)
    cloud.parent = rig
    points.prepare(cloud, splat_material())
    return cloud


def _new_data(name: str, count: int) -> bpy.types.ID:
    data = points.new(name, count)
    _add_attributes(data)
    native_splats.use(data)
    data.materials.append(splat_material())
    return data


def _add_attributes(data: Any) -> None:
    for name, kind in ATTRIBUTES.items():
        found = data.attributes.get(name)
        if found is not None and found.data_type != kind:
            data.attributes.remove(found)
            found = None
        if found is None:
            data.attributes.new(name, kind, "POINT")


def resize(cloud: bpy.types.Object, count: int) -> None:
    """Gives the cloud `count` points where another avatar file changed their number.

    A cloud of that many gets the attributes and modifiers of this Blender: in a file of Blender
    4.5, `radiance:base` is a colour, because there is no FLOAT4 there.
    """
    if points.count(cloud) == count:
        _add_attributes(cloud.data)
        native_splats.use(cloud.data)
        points.prepare(cloud, splat_material())
        return
    before = cloud.data
    cloud.data = _new_data(before.name, count)
    points.prepare(cloud, splat_material())
    points.remove(before)


def write(cloud: bpy.types.Object, splats: Splats) -> None:
    """Shows `splats` in the cloud, whose number of points must be theirs."""
    data = cloud.data
    if points.count(cloud) != len(splats):
        raise ValueError(f"{len(splats)} Gaussians for a cloud of {points.count(cloud)} points")
    for name, values in attribute_values(splats).items():
        if name == "position":
            data.attributes["position"].data.foreach_set("vector", values.ravel())
            continue
        field = _FIELD.get(ATTRIBUTES[name], "value")
        data.attributes[name].data.foreach_set(field, values.ravel())
    points.written(data)
