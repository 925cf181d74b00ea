"""The only timer: looks after the backend and redraws the panel.

Nothing fires timers in module mode or with `-b`; whatever waits there polls the session itself.
"""

import logging

import bpy

from .. import steps
from ..scene import clouds, compositing, properties, viewport
from . import avatar_files, session

LOG = logging.getLogger("splitavatar")

BUSY_S = 0.05
IDLE_S = 0.5
"""Also how soon the panel notices that the backend died."""


def pump() -> bool:
    """One look at the scene's copies and files, and the backend; True when there is news."""
    if steps.is_rendering():
        return session.get().poll()
    compositing.follow_view(bpy.context.scene)
    if not session.get().waiting:  # up to twenty times a second, and looks at every file
        avatar_files.remember()
    copied = clouds.own_copies(properties.rigs(bpy.context.scene))
    return session.get().poll() or copied


def _tick() -> float:
    try:
        if pump():
            viewport.redraw()
    except Exception:
        LOG.exception("the timer goes on after an error")
    return BUSY_S if session.get().waiting else IDLE_S


def arm() -> None:
    """Starts the timer where it does not run."""
    if not steps.without_window() and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=IDLE_S, persistent=True)


def disarm() -> None:
    """Stops the timer."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
