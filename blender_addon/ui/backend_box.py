"""The box that tells of the backend, in the panel and in the preferences."""

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


def state_text(state: messages.BackendState) -> str:
    """One line about the backend: `Ready on cpu, 812 MB, preset open`."""
    name = state.state.replace("_", " ").capitalize()
    if state.state == "failed":
        return f"Failed: {state.why}"
    parts = [f"{name} on {state.device}" if state.state == "ready" else name]
    if state.state == "ready":
        if state.memory_mb:
            parts.append(f"{state.memory_mb:.0f} MB")
        if state.preset:
            parts.append(f"preset {state.preset}")
    if state.phase:
        parts.append(state.phase)
    if state.eta_s is not None:
        parts.append(f"{state.eta_s:.0f} s left")
    return ", ".join(parts)


def draw(layout: bpy.types.UILayout) -> None:
    """State of the backend with the buttons that fit it, progress and the last error."""
    here = session.get()
    state = here.state
    box = layout.box()
    wrapped(box, state_text(state), STATE_ICONS[state.state])
    if state.remedy:
        wrapped(box, state.remedy)
    row = box.row(align=True)
    if state.state == "not_installed":
        row.operator("splitavatar.install_backend", icon="IMPORT")
        if not bpy.app.online_access:
            wrapped(box, "Allow online access in Preferences > System > Network to install", "INFO")
    elif state.state in ("stopped", "failed"):
        row.operator("splitavatar.start_backend", icon="PLAY")
    else:
        row.operator("splitavatar.stop_backend", icon="SNAP_FACE")
    if state.state == "failed":
        row.operator("splitavatar.open_log", icon="TEXT")
    if here.activity is not None:
        column = layout.column(align=True)
        progress = here.activity.progress
        column.progress(factor=progress.factor, text=here.activity.title)
        wrapped(column, progress.text)
        column.operator("splitavatar.cancel_work", icon="X")
    elif here.error is not None and not _told(state, here.error):
        alert = layout.box()
        alert.alert = True
        wrapped(alert, here.error.message, "ERROR")
        wrapped(alert, here.error.remedy, "INFO")
        alert.operator("splitavatar.dismiss_error")


def _told(state: messages.BackendState, error: AvatarError) -> bool:
    """Whether the state says already what the error says: a failed backend fails its work too."""
    same = error.code == "backend_died" or error.message == state.why
    return state.state == "failed" and same
