"""Avatars of other files: what may be set on them, and where what is added to them goes."""

from collections.abc import Iterator
from pathlib import Path

import bpy

from .._shared import AvatarError


def require_own(armature: bpy.types.Object) -> None:
    """Refuses a rig that lies in another file, where all that is set is lost.

    Raises:
        AvatarError: `bad_request`, with the ways to have a rig of one's own.
    """
    if armature.library is not None:
        raise AvatarError(
            "bad_request",
            f"The rig {armature.name!r} is linked from {Path(armature.library.filepath).name}: "
            "what is set or keyed on it would be lost when this file is opened again.",
            "Make a library override (Object > Library Override > Make), or append the rig "
            "instead of linking it.",
        )


def home(armature: bpy.types.Object, layer: bpy.types.ViewLayer) -> bpy.types.Collection:
    """Where objects go that are added to an avatar: its own collection, or else the scene's.

    Args:
        armature: The avatar's.
        layer: Shall have them.
    """
    shown = set(_included(layer.layer_collection))
    for found in armature.users_collection:
        if found in shown and found.library is None and found.override_library is None:
            return found
    return layer.layer_collection.collection


def _included(layer: bpy.types.LayerCollection) -> Iterator[bpy.types.Collection]:
    if not layer.exclude:
        yield layer.collection
        for child in layer.children:
            yield from _included(child)
