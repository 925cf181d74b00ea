"""The sample portrait and one tracker for all cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from backend.tracking.portrait import Portrait, Tracker


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """The sample portrait's file: 512x512, one face of about 100 pixels."""
    from backend.assets import SAMPLE_PORTRAIT

    return SAMPLE_PORTRAIT.read_bytes()


@pytest.fixture(scope="session")
def tracker() -> Iterator[Tracker]:
    from backend.head import load_head
    from backend.tracking.portrait import Tracker

    with Tracker(load_head()) as tracker:
        yield tracker


@pytest.fixture(scope="session")
def portrait(tracker: Tracker, astronaut: bytes) -> Portrait:
    from shared.progress import silent

    return tracker.portrait(astronaut, None, silent)
