"""Whether the rig can tell the head's pose: it is evaluated, and its bones rest where they were.

Object > Apply moves the rest of the bones, and with it what every pose means. Blender evaluates
nothing of what a view layer leaves out, so that each frame would be the one it was left at.
"""

import json
from collections.abc import Iterator

import bpy
import numpy as np

from .._shared import AvatarError
from . import properties, rig

MOVED_M = 1e-4
"""How far a joint may stand from where it was: rounding of the file."""


def remember(armature: bpy.types.Object) -> None:
    """Notes where the bones of a new rig rest."""
    properties.of_rig(armature).rest = json.dumps(rig.joints(armature).tolist())


def require(armature: bpy.types.Object) -> None:
    """Refuses a rig whose bones rest elsewhere than when it was made.

    Raises:
        AvatarError: `bad_request`.
    """
    rig.require_rig(armature)
    noted = properties.of_rig(armature).rest
    if noted and np.abs(np.array(json.loads(noted)) - rig.joints(armature)).max() > MOVED_M:
        raise AvatarError(
            "bad_request",
            f"The bones of {armature.name!r} no longer rest where its head has them: its location, "
            "rotation or scale was applied, or they were edited.",
            "Undo that, and move, turn or scale the armature object instead; or open the avatar "
            "file again.",
        )


def require_evaluated(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
    """Refuses a rig that is left out of what Blender evaluates.

    Raises:
        AvatarError: `bad_request`, with the name of the collection that does it.
    """
    if armature.evaluated_get(depsgraph) is not armature:
        return
    layer = depsgraph.view_layer_eval.name
    raise AvatarError(
        "bad_request",
        f"The rig {armature.name!r} does not move: {_why(armature, layer)}.",
        "Switch it on in the outliner; the eye there may stay closed.",
    )


def _why(armature: bpy.types.Object, layer: str) -> str:
    """What leaves a rig out."""
    view_layer = bpy.context.scene.view_layers.get(layer) or bpy.context.view_layer
    for path in _paths(armature, [view_layer.layer_collection]):
        for found in path[1:]:
            if found.exclude:
                return f"its collection {found.name!r} is excluded from the view layer"
            if found.collection.hide_viewport:
                return f"its collection {found.name!r} is disabled in viewports"
    if armature.hide_viewport:
        return "it is disabled in viewports"
    return "it is not in this scene's view layer"


def _paths(
    armature: bpy.types.Object, path: list[bpy.types.LayerCollection]
) -> Iterator[list[bpy.types.LayerCollection]]:
    """Ways from the top of the view layer to the rig."""
    if armature.name in path[-1].collection.objects:
        yield path
    for child in path[-1].children:
        yield from _paths(armature, [*path, child])
