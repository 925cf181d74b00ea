"""How Blender itself shows the clouds: as a box while splats are drawn, else as points.

A cloud of display type Bounds stays in the dependency graph with its modifiers, can be selected by
its box, and renders as ever: renders look at no display type. Hidden objects are not evaluated, and
one shown as Wire is dots.
"""

from collections.abc import Iterable

import bpy

from ..scene import properties

DRAWN_BY_US = "BOUNDS"
DRAWN_BY_BLENDER = "TEXTURED"


def hide_points(uids: Iterable[int]) -> None:
    """Leaves a box of the clouds with these session uids, whose splats are drawn."""
    wanted = set(uids)
    for cloud in _clouds():
        if cloud.session_uid in wanted and cloud.display_type != DRAWN_BY_US:
            cloud.display_type = DRAWN_BY_US


def show_points() -> list[int]:
    """Gives all clouds back to Blender; the session uids of those that were hidden."""
    hidden = [cloud for cloud in _clouds() if cloud.display_type == DRAWN_BY_US]
    for cloud in hidden:
        cloud.display_type = DRAWN_BY_BLENDER
    return [cloud.session_uid for cloud in hidden]


def _clouds() -> list[bpy.types.Object]:
    avatars = [found for found in bpy.data.objects if properties.is_rig(found)]
    clouds = [properties.of_rig(armature).cloud for armature in avatars]
    return [cloud for cloud in clouds if cloud is not None]
