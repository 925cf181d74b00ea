"""A store of five frames, and a copy of it for each test that changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.data.stores import FRAMES, write


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(
        tmp_path_factory.mktemp("stores") / "whole", FRAMES, {"test": ["a"], "val": ["b_2"]}
    )


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole, tmp_path / "store"))
