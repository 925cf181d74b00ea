"""Which photographs of a folder are learned from, and which judge what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

HELD_OUT = 10
"""Of a folder with more pictures than this, every tenth by name is judged: no other is learned
from."""

_Item = TypeVar("_Item")


def judged(pictures: Sequence[_Item]) -> list[_Item]:
    """Every tenth of many pictures; of few all."""
    return list(pictures[::HELD_OUT] if len(pictures) > HELD_OUT else pictures)


def learned(pictures: Sequence[_Item]) -> list[_Item]:
    """All pictures but every tenth."""
    return [picture for number, picture in enumerate(pictures) if number % HELD_OUT]
