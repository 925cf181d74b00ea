"""The 3D viewport turned to an avatar."""

import bpy
from mathutils import Quaternion

from . import placing

FRONT = Quaternion((0.5**0.5, 0.5**0.5, 0.0, 0.0))
"""View along +Y, as numpad 1: an avatar faces -Y."""

SHOWN_M = 0.62
"""Height of what is framed: the head and some air."""

VIEW_SENSOR_MM = 72.0
"""The viewport's: its lens of 50 mm sees as one of 25 mm on 36 mm."""


def at_avatar(
    context: bpy.types.Context, armature: bpy.types.Object, head: bpy.types.Object
) -> None:
    """Shows a new avatar from the front, as large as the viewport has it, in its own colours.

    Args:
        context: Its viewport, or else the largest of its screen.
        armature: The avatar's.
        head: Its mesh.
    """
    area = _viewport(context)
    if area is None:
        return
    space = area.spaces.active
    view = space.region_3d
    if view.view_perspective == "CAMERA":
        view.view_perspective = "PERSP"
    region = next(r for r in area.regions if r.type == "WINDOW")
    view.view_rotation = FRONT
    view.view_location = armature.matrix_world @ placing.middle(head)
    # The sensor lies along the viewport's longer side.
    seen = SHOWN_M * max(1.0, region.width / max(region.height, 1))
    view.view_distance = seen * space.lens / VIEW_SENSOR_MM
    if space.shading.type == "WIREFRAME":
        space.shading.type = "SOLID"
    if space.shading.type == "SOLID" and bpy.app.version < (4, 5, 0):
        space.shading.type = "MATERIAL"  # balls, which have no colours in Solid


def through_camera(context: bpy.types.Context) -> None:
    """Looks through the scene's camera."""
    area = _viewport(context)
    if area is not None:
        area.spaces.active.region_3d.view_perspective = "CAMERA"


def _viewport(context: bpy.types.Context) -> bpy.types.Area | None:
    if context.area is not None and context.area.type == "VIEW_3D":
        return context.area
    screen = context.window.screen if context.window is not None else None
    found = [area for area in screen.areas if area.type == "VIEW_3D"] if screen else []
    return max(found, key=lambda area: area.width * area.height, default=None)
