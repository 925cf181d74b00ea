"""What operators report when something goes wrong."""

import functools
from collections.abc import Callable
from typing import Any

import bpy

from .._shared import AvatarError

Execute = Callable[[Any, bpy.types.Context], set[str]]


def error_text(error: AvatarError) -> str:
    """What a report says: the cause, then the remedy."""
    return f"{error.message} {error.remedy}"


def reported(execute: Execute) -> Execute:
    """An operator's `execute` that reports an `AvatarError` and cancels."""

    @functools.wraps(execute)
    def guarded(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            return execute(self, context)
        except AvatarError as error:
            self.report({"ERROR"}, error_text(error))
            return {"CANCELLED"}

    return guarded
