"""The tiny run's network."""

from __future__ import annotations

import pytest

from backend.model.splitavatar import SplitAvatar
from tests.fakes.drawn_clips import open_head
from tests.unit.training.tiny_run import SETTINGS


@pytest.fixture(scope="module")
def model() -> SplitAvatar:
    return SplitAvatar(SETTINGS.model, open_head(), seed=1)
