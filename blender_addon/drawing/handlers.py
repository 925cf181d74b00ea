"""The draw handler, and Blender's callbacks that say what changed.

A failure of the graphics card is logged once, told in the panel (`failure`), and Blender shows the
points again. While a window renders, points stay as they are.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import steps
from ..scene import sights, viewport
from . import changes, cloud_display, sign, viewports
from .motion import STILL_S
from .viewports import Viewports

LOG = logging.getLogger("splitavatar")

_state: dict[str, Any] = {}


def failure() -> str:
    """What the panel says where splats cannot be drawn; else nothing."""
    if not _state.get("failed"):
        return ""
    return "Splats cannot be drawn on this graphics card: points are shown. The log has the reason"


def _draw() -> None:
    if _state["failed"]:
        return
    try:
        if _state["viewports"] is None:
            _state["viewports"] = Viewports()
        clouds, coarse = _state["viewports"].draw(bpy.context)
        others = viewports.left_to_blender(bpy.context)
    except Exception:
        # Once, not at every redraw.
        _state["failed"] = True
        LOG.exception("splats cannot be drawn")
        _soon(_give_back)
        return
    if coarse:
        _state["coarse_at"] = time.monotonic()
        _soon(_settle)
    if not all(map(cloud_display.is_hidden, clouds)):
        _state["drawn"] = {cloud.session_uid for cloud in clouds}
        _soon(_hide_points)
    if any(map(cloud_display.is_hidden, others)):
        _state["others"] = {cloud.session_uid for cloud in others}
        _soon(_show_points)


def _draw_sign() -> None:
    sign.draw(bpy.context)


def _soon(call: Callable[[], float | None]) -> None:
    """Runs it outside of the redraw, where data may be changed."""
    if not bpy.app.timers.is_registered(call):
        bpy.app.timers.register(call)


def _hide_points() -> float | None:
    if steps.is_rendering():
        return steps.LOOK_S
    cloud_display.hide_points(_state["drawn"])
    return None


def _show_points() -> float | None:
    if steps.is_rendering():
        return steps.LOOK_S
    cloud_display.show_points(_state["others"])
    return None


def _give_back() -> float | None:
    if steps.is_rendering():
        return steps.LOOK_S
    cloud_display.show_points(cloud_display.hidden())
    viewport.redraw()
    return None


def _give_back_last() -> float | None:
    """The same for an add-on that is switched off."""
    if steps.is_rendering():
        return steps.LOOK_S
    cloud_display.show_points(_state.pop("hidden"))
    return None


def _settle() -> float | None:
    """Everything again, as soon as nothing has moved for a while."""
    left = _state["coarse_at"] + STILL_S - time.monotonic()
    if left > 0:
        return left
    viewport.redraw()
    return None


@persistent
def on_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """An edit, or another frame."""
    changes.note(depsgraph)


@persistent
def on_everything(*_: object) -> None:
    """Undo or redo: any cloud may be another."""
    changes.note_everything()


@persistent
def on_load(*_: object) -> None:
    """Another file."""
    changes.note_everything()
    if _state["viewports"] is not None:
        _state["viewports"].forget()


@persistent
def on_save(*_: object) -> None:
    """A file shows points where nobody draws its splats; not one that is saved in a render."""
    _state["hidden"] = [] if steps.is_rendering() else cloud_display.hidden()
    if _state["hidden"]:
        cloud_display.show_points(_state["hidden"])


@persistent
def on_saved(*_: object) -> None:
    """In the window they stay hidden."""
    cloud_display.hide_points(_state["hidden"])


HANDLERS = (
    ("depsgraph_update_post", on_update),
    ("frame_change_post", on_update),
    ("undo_post", on_everything),
    ("redo_post", on_everything),
    ("load_post", on_load),
    ("save_pre", on_save),
    ("save_post", on_saved),
)


def register() -> None:
    """Begins to draw splats."""
    if bpy.app.timers.is_registered(_give_back_last):
        bpy.app.timers.unregister(_give_back_last)
    _state.update(viewports=None, failed=False, drawn=set(), others=set(), hidden=[])
    _state["coarse_at"] = 0.0
    add = bpy.types.SpaceView3D.draw_handler_add
    _state["handles"] = [
        add(_draw, (), "WINDOW", "POST_VIEW"),
        add(_draw_sign, (), "WINDOW", "POST_PIXEL"),
    ]
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Draws no more; Blender shows the points again, as soon as no render is under way."""
    for name, handler in reversed(HANDLERS):
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    for call in (_hide_points, _show_points, _give_back, _settle):
        if bpy.app.timers.is_registered(call):
            bpy.app.timers.unregister(call)
    for handle in _state["handles"]:
        bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")
    _state.clear()
    sights.forget()
    _state["hidden"] = cloud_display.hidden()
    if _give_back_last() is not None:
        bpy.app.timers.register(_give_back_last, first_interval=steps.LOOK_S, persistent=True)
