"""A run that never ran: its settings and what a checkpoint of it holds."""

from __future__ import annotations

from typing import Any

from backend.training import checkpoints
from backend.training.settings import settings_of
from tests.fakes.drawn_clips import TINY, open_head

SETTINGS = settings_of(TINY)


def state(**changes: Any) -> checkpoints.RunState:
    values = {"step": 7, "settings": SETTINGS.to_dict(), "head": open_head().hash}
    return checkpoints.RunState(**{**values, "best": 0.5, "scaler": {}, **changes})
