"""SplitAvatar in Blender: a portrait becomes a head of Gaussians that you keyframe.

A separate backend process does the computing; this package never imports it. Each
folder uses those below it only:

    ui          panels, menus, drops, preferences: what users see
    operators   what a button, a menu or a script calls
    work        the session, live avatars, long work as steps, handlers
    drawing     avatars as splats in the viewport           | beside work
    link        the backend's process, client and installer     | beside each other: link knows no
    scene       rig, clouds, cameras, tracks, settings           | data-block, scene no backend
    steps       long work as generators
    _shared     the door to what both sides share

Start reading at `work.session`, `scene.rig` (what the animator moves) and `work.handlers` (what
happens at each frame).
"""

import sys
from collections.abc import Callable

import bpy

from .drawing import handlers as drawing_handlers
from .link import addon_log
from .operators import avatar, backend, compositor, export, packing, posing, support, track, view
from .scene import layer_pass, preview, properties, rig, tracks
from .ui import backend_box, drops, engine_panels, layers_panel, menus, panels, preferences
from .work import handlers, pump, render_engine, session

_CLASS_MODULES = (
    preferences,
    properties,
    layer_pass,
    backend_box,
    *(backend, support, avatar, packing, posing, view, compositor, track, export),
    panels,
    layers_panel,
    engine_panels,
    drops,
)

# The names that docs/addon.md promises to scripts, wherever the files lie:
# `importlib.import_module(addon + ".session")`.
for _part in (session, rig, tracks):
    sys.modules[f"{__name__}.{_part.__name__.rpartition('.')[2]}"] = _part

CLASSES = tuple(cls for module in _CLASS_MODULES for cls in module.CLASSES)


def _parts() -> list[tuple[Callable[[], object], Callable[[], object]]]:
    """What register() does, each with what undoes it."""

    def pair(cls: type) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: bpy.utils.register_class(cls), lambda: bpy.utils.unregister_class(cls)

    return [
        *(pair(cls) for cls in CLASSES),
        (properties.register_owners, properties.unregister_owners),
        (layer_pass.register, layer_pass.unregister),
        (drawing_handlers.register, drawing_handlers.unregister),
        (preview.register, preview.unregister),
        (menus.register, menus.unregister),
        (render_engine.register, render_engine.unregister),
        (engine_panels.register, engine_panels.unregister),
        (addon_log.register, addon_log.unregister),
        (handlers.register, handlers.unregister),
        (pump.arm, pump.disarm),
        (session.begin, lambda: session.get().end()),
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
