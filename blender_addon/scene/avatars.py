"""An avatar in the scene: rig, head mesh and point cloud, in a collection of their own."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .._shared import AvatarError, Track, flame
from . import cameras, properties, rig, splats


def build(context: bpy.types.Context, reply: Any, name: str) -> bpy.types.Object:
    """Adds the objects of an avatar that the backend has made or loaded.

    Args:
        context: Gives the scene.
        reply: The backend's `AvatarReply`.
        name: Name of the rig.

    Returns:
        The armature object; active and selected.
    """
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    collection = bpy.data.collections.new(name)
    context.scene.collection.children.link(collection)
    armature, head = rig.create(collection, name, reply.rig)
    settings = properties.of_rig(armature)
    settings.is_avatar = True
    settings.avatar_path = settings.avatar_path_found = str(reply.path)
    settings.camera = cameras.to_text(reply.camera)
    settings.source = json.dumps(
        {key: getattr(reply.source, key)[0].tolist() for key in flame.FRAME_SIZES}
    )
    settings.head = head
    # The reply counts every place of the constant-number cloud, masked ones included.
    settings.cloud = splats.create(
        collection, f"{name} Splats", int(reply.counts["total"]), armature
    )
    settings.display = "SPLATS"
    for other in context.selected_objects:
        other.select_set(False)
    armature.select_set(True)
    context.view_layer.objects.active = armature
    return armature


def portrait_frame(armature: bpy.types.Object) -> Track:
    """The pose and expression of the portrait itself, T = 1."""
    text = properties.of_rig(armature).source
    if not text:
        raise AvatarError(
            "bad_request",
            f"{armature.name!r} does not know its portrait's pose.",
            "Open the avatar file again.",
        )
    return Track.neutral(
        1, **{key: np.array([value], np.float32) for key, value in json.loads(text).items()}
    )


def default_path(name: str, folder: Path) -> Path:
    """A file of `folder` for a new avatar, which is not there yet."""
    safe = "".join(c if c.isalnum() or c in " -_" else "_" for c in name).strip() or "avatar"
    path, number = folder / f"{safe}.savatar", 1
    while path.exists():
        number += 1
        path = folder / f"{safe}_{number}.savatar"
    return path


def relative_to(path: str, blend: str) -> str:
    """`path` as a `//` path where it lies below the folder of the .blend, else unchanged."""
    if not path or not blend or path.startswith("//"):
        return path
    try:
        inside = Path(path).resolve().relative_to(Path(blend).resolve().parent)
    except ValueError:
        return path
    return "//" + inside.as_posix()
