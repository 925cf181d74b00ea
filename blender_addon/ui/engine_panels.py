"""Blender's own panels of output, resolution and passes, shown for the engine SplitAvatar too."""

import bpy

from ..work.render_engine import ENGINE

NOT_OURS = {"VIEWLAYER_PT_filter", "VIEWLAYER_PT_layer_passes"}


def _panels() -> list[type[bpy.types.Panel]]:
    """Those that every simple engine has."""
    return [
        panel
        for panel in bpy.types.Panel.__subclasses__()
        if "BLENDER_RENDER" in getattr(panel, "COMPAT_ENGINES", ())
        and panel.__name__ not in NOT_OURS
    ]


def register() -> None:
    """Shows them, as Blender's manual says that engines do."""
    for panel in _panels():
        panel.COMPAT_ENGINES.add(ENGINE)


def unregister() -> None:
    """No more."""
    for panel in _panels():
        panel.COMPAT_ENGINES.discard(ENGINE)
