"""What an avatar looks at: an empty that both eye bones follow."""

import bpy
from mathutils import Vector

from .._shared import AvatarError

EYES = ("eye.L", "eye.R")
CONSTRAINT = "Gaze"
AWAY_M = 0.6
"""How far before the eyes a new target is."""


def target(rig: bpy.types.Object) -> bpy.types.Object | None:
    """What the eyes follow, None where they follow nothing."""
    for name in EYES:
        found = rig.pose.bones[name].constraints.get(CONSTRAINT)
        if found is not None and found.target is not None:
            return found.target
    return None


def require_selectable(found: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> None:
    """Refuses a target that the view layer leaves out.

    Raises:
        AvatarError: `bad_request`.
    """
    if found.name not in view_layer.objects:
        raise AvatarError(
            "bad_request",
            f"The gaze target {found.name!r} is not in the view layer {view_layer.name!r}.",
            "Switch its collection on in the outliner.",
        )


def add_target(rig: bpy.types.Object, collection: bpy.types.Collection) -> bpy.types.Object:
    """Adds an empty straight before the eyes, and has them follow it.

    It moves with the armature's object, not with the head: whoever turns the head keeps looking.
    The eye bones' local Z leads out of the face.
    """
    empty = bpy.data.objects.new(f"{rig.name} Gaze", None)
    empty.empty_display_type = "SPHERE"
    empty.empty_display_size = 0.02
    empty.show_in_front = True
    collection.objects.link(empty)
    empty.parent = rig
    bones = [rig.data.bones[name] for name in EYES]
    between = sum((bone.head_local for bone in bones), Vector()) / len(bones)
    empty.location = between + AWAY_M * Vector((0.0, -1.0, 0.0))
    for name in EYES:
        bone = rig.pose.bones[name]
        found = bone.constraints.get(CONSTRAINT) or bone.constraints.new("DAMPED_TRACK")
        found.name = CONSTRAINT
        found.target = empty
        found.track_axis = "TRACK_Z"
    return empty
