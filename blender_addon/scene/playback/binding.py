"""Splats bound to the head mesh: the backend's arrays as attributes, and the modifier on them."""

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..._shared import camera
from .. import points, splats
from ..node_tree import PREFIX, set_input
from ..rig import to_blender
from ..splat_material import splat_material
from . import group

MODIFIER = "Playback"


def bind(cloud: bpy.types.Object, head: bpy.types.Object, arrays: Mapping[str, np.ndarray]) -> None:
    """Lets the head mesh move the cloud from now on.

    Args:
        cloud: Gets points of its own, as many as the binding has Gaussians.
        head: The avatar's mesh object.
        arrays: `shared.binding`, head space.
    """
    before = cloud.data
    cloud.data = points.new(before.name, len(arrays["vertices"]))
    cloud.data.materials.append(splat_material())
    points.prepare(cloud, splat_material(), by_nodes=True)
    points.remove(before)
    _write_points(cloud.data, arrays)
    _write_mesh(head.data, arrays)
    modifier = cloud.modifiers.get(MODIFIER) or cloud.modifiers.new(MODIFIER, "NODES")
    modifier.node_group = group.playback_group()
    torso = camera.HEAD_TO_BLENDER @ arrays["torso_pose"] @ camera.HEAD_TO_BLENDER.T
    place, turn, _ = Matrix(torso.tolist()).decompose()
    follow(cloud, head)
    for name, anchor in zip(group.ANCHORS, arrays["anchors"].tolist(), strict=True):
        set_input(modifier, name, anchor)
    set_input(modifier, group.TORSO_PLACE, place)
    set_input(modifier, group.TORSO_TURN, turn.to_euler())
    set_input(modifier, group.CLOSED, float(arrays["closed_height"][0]))
    points.written(cloud.data)


def follow(cloud: bpy.types.Object, head: bpy.types.Object) -> None:
    """Which mesh moves a bound cloud."""
    set_input(cloud.modifiers[MODIFIER], group.HEAD, head)
    cloud.update_tag()


def is_bound(cloud: bpy.types.Object) -> bool:
    """Whether the head mesh moves the cloud."""
    return MODIFIER in cloud.modifiers


def unbind(cloud: bpy.types.Object) -> None:
    """The cloud shows its own points again."""
    found = cloud.modifiers.get(MODIFIER)
    if found is not None:
        cloud.modifiers.remove(found)


def _write_points(data: Any, arrays: Mapping[str, np.ndarray]) -> None:
    means = to_blender(arrays["means"])
    data.attributes["position"].data.foreach_set("vector", means.ravel())
    skin = arrays["vertices"] >= 0
    quats = arrays["quats"].astype(np.float32)
    quats[~skin] = splats.quats_to_blender(quats[~skin])
    _add(data, "quats", "QUATERNION", quats)
    _add(data, "scales", "FLOAT_VECTOR", arrays["scales"])
    _add(data, "offsets", "FLOAT_VECTOR", arrays["offsets"])
    _add(data, "colours", "FLOAT_COLOR", _with(arrays["colours"], arrays["opacities"]))
    _add(data, "masks", "FLOAT", arrays["masks"])
    _add(data, "layers", "INT8", arrays["layers"])
    _add(data, "vertices", "INT", arrays["vertices"])
    _add(data, "site_faces", "INT", arrays["site_faces"])
    _add(data, "site_weights", "FLOAT2", arrays["site_weights"][:, :2])
    _add(data, "follow", "FLOAT2", np.stack([arrays["shares"], arrays["slopes"]], 1))
    for name in ("fold", "lid"):
        _add(data, f"{name}_colours", "INT", _packed(arrays[f"{name}_colours"]))
        _add(data, f"{name}_shares", "FLOAT", arrays[f"{name}_shares"])
    _add(data, "mouth_lights", "FLOAT", arrays["mouth_lights"])
    for number in range(3):
        _add(data, f"fold_face_{number}", "INT", arrays["fold_faces"][:, number])


def _write_mesh(mesh: bpy.types.Mesh, arrays: Mapping[str, np.ndarray]) -> None:
    rest = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.shape_keys.key_blocks[0].data.foreach_get("co", rest)
    _add(mesh, "rest", "FLOAT_VECTOR", rest)
    for name in ("blinks", "ways", "smiles"):
        _add(mesh, name, "FLOAT_VECTOR", to_blender(arrays[name]))
    for name in ("mouth_spans", "creases"):
        _add(mesh, name, "FLOAT_VECTOR", arrays[name])
    _add(mesh, "neighbours", "INT", arrays["neighbours"])
    names = ("closed_before", "folded", "fold_starts", "fold_least", "skin_areas", "smiled_before")
    for name in names:
        _add(mesh, name, "FLOAT", arrays[name])
    corners = np.empty(len(mesh.polygons) * 3, np.int32)
    mesh.polygons.foreach_get("vertices", corners)
    for number in range(3):
        _add(mesh, f"corner_{number}", "INT", corners[number::3], "FACE")
    for name in ("skin_faces", "fold_areas"):
        _add(mesh, name, "FLOAT", arrays[name], "FACE")


def _packed(colours: np.ndarray) -> np.ndarray:
    """[N, 3] 0..1 as [N] integers 0xRRGGBB: small, and exact as floats."""
    return np.rint(colours.clip(0, 1) * 255).astype(np.int32) @ np.array([65536, 256, 1], np.int32)


def _with(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.concatenate([colours, alpha[:, None]], axis=1)


def _add(data: Any, name: str, kind: str, values: np.ndarray, domain: str = "POINT") -> None:
    attributes, full = data.attributes, PREFIX + name
    found = attributes.get(full) or attributes.new(full, kind, domain)
    wanted = {"INT": np.int32, "INT8": np.int8}.get(kind, np.float32)
    field = {"FLOAT_COLOR": "color", "FLOAT_VECTOR": "vector", "FLOAT2": "vector"}
    flat = np.ascontiguousarray(values, wanted).ravel()
    found.data.foreach_set(field.get(kind, "value"), flat)
