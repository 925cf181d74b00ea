"""Where a new avatar stands: at the 3D cursor, as all that is added, or beside what is there."""

from collections.abc import Iterator

import bpy
import numpy as np
from mathutils import Vector

from . import properties

DRAWN = {"MESH", "CURVE", "CURVES", "SURFACE", "FONT", "META", "POINTCLOUD", "VOLUME"}
"""Types of objects that have a body."""

REACH_M = 0.35
"""Half of the room that head and shoulders take, in each direction."""

GAP_M = 0.5
"""Air between an avatar and the thing that it stands beside."""

THING_M = 4.0
"""What is larger is a floor, a room or a set, and an avatar stands in it rather than beside it."""


def place(armature: bpy.types.Object, head: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Puts a new avatar at the 3D cursor, or along +X from there until no thing is in its way.

    Args:
        armature: The avatar's, unturned and at the origin.
        head: Its mesh, which tells where the head is in relation to the armature.
        scene: Gives the cursor and what stands there, as far as it is visible.
    """
    centre = middle(head)
    place = scene.cursor.location.copy()
    things = [box for found in scene.objects for box in _boxes(found, armature)]
    while in_way := [b for b in things if _meet(b, np.array(place + centre))]:
        place.x = max(high[0] for _, high in in_way) + GAP_M + REACH_M - centre.x
    armature.location = place


def middle(head: bpy.types.Object) -> Vector:
    """The middle of the head mesh in the armature's space."""
    return sum((Vector(corner) for corner in head.bound_box), Vector()) / 8


def _boxes(
    found: bpy.types.Object, armature: bpy.types.Object
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Lowest and highest corner [3] of a visible thing, world space, metres."""
    if found.type not in DRAWN or not found.visible_get() or properties.rig_of(found) is armature:
        return
    corners = np.array([found.matrix_world @ Vector(corner) for corner in found.bound_box])
    low, high = corners.min(axis=0), corners.max(axis=0)
    if (high - low).max() <= THING_M:
        yield low, high


def _meet(box: tuple[np.ndarray, np.ndarray], centre: np.ndarray) -> bool:
    low, high = box
    return bool(((low < centre + REACH_M) & (high > centre - REACH_M)).all())
