"""What operators report when something goes wrong."""

import functools
import textwrap
from collections.abc import Callable
from typing import Any

import bpy

from .. import steps
from .._shared import AvatarError

Execute = Callable[[Any, bpy.types.Context], set[str]]


LINE = 110
"""Characters in a line of a pop-up: Blender cuts longer lines, and shows as many as there are."""


def report_error(operator: Any, error: AvatarError, kind: str = "ERROR") -> None:
    """Reports the cause, then the remedy, whole; for scripts, which get it raised, in one line."""
    text = f"{error.message} {error.remedy}"
    if not steps.without_window():
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
