"""One Blender with a window for all tests here, which follow each other as a user's day does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.environments import Missing
from house.package import build_for
from house.window import ensure_window

from .window import Window, started

BLENDER = (5, 2)
"""Whose zip is installed; it fits all newer ones."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--guide", type=Path, help="where the pictures of docs/user-guide.md go")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "ui" in item.path.parts:
            item.add_marker(pytest.mark.ui)


@pytest.fixture(scope="session")
def window(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Window]:
    """A default scene with the add-on installed from its zip, its panel open."""
    blender = ensure_window()
    if isinstance(blender, Missing):
        pytest.skip(blender.reason)
    path = build_for(BLENDER)
    folder = tmp_path_factory.mktemp("window")
    with started(blender, folder) as window:
        window.guide = request.config.getoption("--guide")
        assert window.ask(f"install({str(path)!r})")
        left, top, right, bottom = window.ask("rectangle()")
        window.move((left + right) / 2, (top + bottom) / 2)
        window.key("n")
        window.wait("view().spaces[0].show_region_ui")
        window.wait("open_panel()")
        yield window
    assert "Traceback" not in (folder / "blender.log").read_text(), "a callback raised something"


@pytest.fixture(scope="session")
def backend_python() -> str:
    """The interpreter of the repository's own backend, which runs these tests."""
    return sys.executable
