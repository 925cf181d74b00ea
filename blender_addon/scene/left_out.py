"""What of a scene a picture by the backend leaves out: it shows one avatar, whole, and no more."""

import bpy

from . import placing, properties

SHARP = "Motion blur is not rendered: each frame is sharp."

_NAMED = 3


def left_out(scene: bpy.types.Scene, armature: bpy.types.Object) -> list[str]:
    """Sentences on what rendering by Blender would show and Batch Render does not."""
    said = []
    if scene.render.use_border:
        said.append("The render region is not used: frames are whole.")
    if is_sharp(scene):
        said.append(SHARP)
    others = [rig.name for rig in properties.rigs(scene) if rig is not armature]
    if others:
        said.append(f"Only {armature.name} is rendered, without the avatars {_listed(others)}.")
    objects = [found.name for found in scene.objects if _shown(found)]
    if objects:
        said.append(f"Objects are not rendered: {_listed(objects)}.")
    return said


def is_sharp(scene: bpy.types.Scene) -> bool:
    """Whether rendering by Blender would blur what moves."""
    return scene.render.use_motion_blur


def _shown(found: bpy.types.Object) -> bool:
    drawn = found.type in placing.DRAWN and not found.hide_render
    return drawn and properties.rig_of(found) is None


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
