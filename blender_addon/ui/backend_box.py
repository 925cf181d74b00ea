"""The box that tells of the backend, in the panel and in the preferences.

It has the same rows whatever goes on, so that no button comes to lie under a mouse that is about
to press another: the state, its buttons, the progress, and two lines of words.
"""

import bpy

from .._shared import AvatarError, messages
from ..work import session
from .text import wrapped

STATE_ICONS = {
    "not_installed": "IMPORT",
    "stopped": "PAUSE",
    "starting": "SORTTIME",
    "ready": "CHECKMARK",
    "busy": "SORTTIME",
    "failed": "ERROR",
}

WORDS_ROWS = 2
OFFLINE = "Preferences > System: allow online access to install"
PRIVACY = "Nothing leaves this computer"


def state_text(state: messages.BackendState) -> str:
    """Few words about the backend: `Ready on cpu, 0.8 GB`."""
    name = state.state.replace("_", " ").capitalize()
    if state.state == "stopped" and state.phase:
        return "Stopping"
    if state.state != "ready":
        return name
    memory = f", {state.memory_mb / 1024:.1f} GB" if state.memory_mb else ""
    return f"{name} on {state.device}{memory}"


def trouble(state: messages.BackendState, error: AvatarError | None) -> AvatarError | None:
    """The one thing that went wrong: a failed backend fails its work too, and is told once."""
    if state.state == "failed":
        same = error is None or error.code == "backend_died" or error.message == state.why
        return AvatarError("backend_died", state.why, state.remedy) if same else error
    return error


def words(here: session.Session) -> tuple[str, str]:
    """What there is to say now, and its icon."""
    state = here.state
    if here.activity is not None:
        return here.activity.text, "NONE"
    wrong = trouble(state, here.error)
    if wrong is not None:
        return f"{wrong.message} {wrong.remedy}", "ERROR"
    if state.state == "not_installed" and not bpy.app.online_access:
        return OFFLINE, "INFO"
    if state.phase:
        left = f", {state.eta_s:.0f} s left" if state.eta_s is not None else ""
        return f"{state.phase.capitalize()}{left}", "NONE"
    return PRIVACY, "LOCKED"


def draw(layout: bpy.types.UILayout) -> None:
    """State of the backend with the buttons that fit it, progress, and what there is to say."""
    here = session.get()
    state = here.state
    box = layout.box()
    box.label(text=state_text(state), icon=STATE_ICONS[state.state])
    _draw_buttons(box.row(align=True), state)
    text, icon = words(here)
    row = box.row(align=True)
    if here.activity is None and icon == "ERROR":
        row.popover("SPLITAVATAR_PT_trouble", text="What Happened", icon="ERROR")
        dismiss = row.row(align=True)
        dismiss.enabled = state.state != "failed"  # that stays until the backend is started
        dismiss.operator("splitavatar.dismiss_error", text="", icon="X")
    else:
        _draw_progress(row, here.activity)
    column = box.column(align=True)
    column.alert = icon == "ERROR"
    wrapped(column, text, icon, WORDS_ROWS)


def _draw_buttons(row: bpy.types.UILayout, state: messages.BackendState) -> None:
    if state.state == "not_installed":
        row.operator("splitavatar.install_backend", icon="IMPORT")
    elif state.state in ("stopped", "failed"):
        row.operator("splitavatar.start_backend", icon="PLAY")
    else:
        row.operator("splitavatar.stop_backend", icon="SNAP_FACE")
    if state.state == "failed":
        row.operator("splitavatar.open_log", text="", icon="TEXT")


def _draw_progress(row: bpy.types.UILayout, activity: session.Activity | None) -> None:
    if activity is None:
        row.label(text="")
        return
    row.progress(factor=activity.progress.factor, text=activity.title)
    cancel = row.row(align=True)
    cancel.enabled = not activity.cancel
    cancel.operator("splitavatar.cancel_work", text="", icon="X")


class SPLITAVATAR_PT_trouble(bpy.types.Panel):
    bl_label = "What Happened"
    bl_space_type = "TOPBAR"  # in no editor by itself
    bl_region_type = "HEADER"
    bl_ui_units_x = 20

    def draw(self, context: bpy.types.Context) -> None:
        here = session.get()
        wrong = trouble(here.state, here.error)
        if wrong is None:
            return
        room = 20 * 18 * context.preferences.system.ui_scale
        wrapped(self.layout, wrong.message, "ERROR", room=room)
        wrapped(self.layout, wrong.remedy, "INFO", room=room)


CLASSES = (SPLITAVATAR_PT_trouble,)
