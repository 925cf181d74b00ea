"""What operators report when something goes wrong."""

import functools
import textwrap
from collections.abc import Callable
from typing import Any

import bpy

from .. import steps
from .._shared import AvatarError

Execute = Callable[[Any, bpy.types.Context], set[str]]


CATEGORY = "SplitAvatar"
"""The tab of the sidebar."""

LINE = 110
"""Characters in a line of a pop-up: Blender cuts longer lines, and shows as many as there are."""


def _panel_is_seen() -> bool:
    """Whether a sidebar shows our tab."""
    areas = [a for w in bpy.context.window_manager.windows for a in w.screen.areas]
    return any(
        region.type == "UI" and region.width > 1 and region.active_panel_category == CATEGORY
        for area in areas
        if area.type == "VIEW_3D" and area.spaces.active.show_region_ui
        for region in area.regions
    )


def report_error(
    operator: Any, error: AvatarError, kind: str = "ERROR", told: bool = False
) -> None:
    """Reports the cause, then the remedy, whole; for scripts, which get it raised, in one line.

    Args:
        operator: Whose report it is.
        error: What happened.
        kind: Blender's name of how bad it is.
        told: The panel says it too, so that where that is seen no pop-up repeats it.
    """
    text = f"{error.message} {error.remedy}"
    if not steps.without_window():
        if told and _panel_is_seen():
            kind = "WARNING"  # no pop-up: the panel says it, and keeps it
        text = textwrap.fill(text, LINE, break_long_words=False, break_on_hyphens=False)
    operator.report({kind}, text)


def reported(execute: Execute) -> Execute:
    """An operator's `execute` that reports an `AvatarError` and cancels."""

    @functools.wraps(execute)
    def guarded(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            return execute(self, context)
        except AvatarError as error:
            report_error(self, error)
            return {"CANCELLED"}

    return guarded
