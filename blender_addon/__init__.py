"""SplitAvatar in Blender: a portrait becomes a head of Gaussians that you keyframe.

A separate backend process does the computing; this package never imports it. Start reading at
`session` (the backend and its avatars), `rig` (what the animator moves) and `handlers` (what
happens at each frame); `operators_*` and `panels` are what users see.
"""

from collections.abc import Callable

import bpy

from .operators import avatar as operators_avatar
from .operators import backend as operators_backend
from .operators import export as operators_export
from .operators import track as operators_track
from .operators import view as operators_view
from .scene import preview, properties
from .ui import panels, preferences
from .work import handlers, pump, session

_CLASS_MODULES = (
    preferences,
    properties,
    operators_backend,
    operators_avatar,
    operators_view,
    operators_track,
    operators_export,
    panels,
)

CLASSES = tuple(cls for module in _CLASS_MODULES for cls in module.CLASSES)


def _parts() -> list[tuple[Callable[[], object], Callable[[], object]]]:
    """What register() does, each with what undoes it."""

    def pair(cls: type) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: bpy.utils.register_class(cls), lambda: bpy.utils.unregister_class(cls)

    return [
        *(pair(cls) for cls in CLASSES),
        (properties.register_owners, properties.unregister_owners),
        (preview.register, preview.unregister),
        (panels.register, panels.unregister),
        (handlers.register, handlers.unregister),
        (pump.arm, pump.disarm),
        (lambda: None, session.reset),
    ]


def register() -> None:
    """Registers everything, or nothing: a failure undoes what was done and is raised."""
    undo: list[Callable[[], object]] = []
    try:
        for do, take_back in _parts():
            do()
            undo.append(take_back)
    except BaseException:
        for take_back in reversed(undo):
            take_back()
        raise


def unregister() -> None:
    """Stops the backend and removes everything again."""
    for _, take_back in reversed(_parts()):
        take_back()
