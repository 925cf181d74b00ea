"""One real avatar of the sample portrait, made by the real command line, for all tests here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.tracking.portrait import Portrait
from house.environments import ROOT, present
from shared.progress import silent

from .blender_process import InBlender
from .looking import Looker

Measured = Callable[[str, object], None]

_measured: dict[str, object] = {}


@pytest.fixture(scope="session")
def measured() -> Measured:
    """Takes a number for the list at the end of the run."""
    return _measured.__setitem__


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _measured:
        terminalreporter.section("measured")
    for name, value in _measured.items():
        terminalreporter.line(f"{name}: {value}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "acceptance" in item.path.parts:
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, which has to be one JSON object and nothing else."""
        found = json.loads(self.out)
        assert isinstance(found, dict), self.out
        return found


def command(*arguments: object, code: int = 0) -> Done:
    """Runs `python -m backend` as its own process and checks its exit code."""
    line = [sys.executable, "-m", "backend", *map(str, arguments)]
    ran = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert ran.returncode == code, ran.stdout[-2000:] + ran.stderr[-4000:]
    assert "Traceback" not in ran.stderr, ran.stderr[-4000:]
    return Done(ran.returncode, ran.stdout, ran.stderr)


@dataclass(frozen=True)
class Made:
    """The avatar's file and what `create --json` told."""

    path: Path
    told: dict[str, Any]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The avatar, with everything at its defaults."""
    path = tmp_path_factory.mktemp("avatar") / "astronaut.savatar"
    return Made(path, command("create", SAMPLE_PORTRAIT, "--out", path, "--json").json)


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    """The backend's pipeline in this process."""
    found = Pipeline()
    yield found
    found.close()


@pytest.fixture(scope="session")
def avatar(made: Made) -> Avatar:
    """The avatar's file, read."""
    return Avatar.load(made.path)


@pytest.fixture(scope="session")
def portrait(pipeline: Pipeline) -> Portrait:
    """The photograph, cropped and matted."""
    return pipeline.tracker.portrait(SAMPLE_PORTRAIT.read_bytes(), None, silent)


@pytest.fixture(scope="session")
def looker(pipeline: Pipeline, avatar: Avatar) -> Looker:
    """Renders the avatar in a pose and looks at the picture."""
    return Looker(pipeline, avatar)


@pytest.fixture(scope="session")
def in_blender(made: Made, tmp_path_factory: pytest.TempPathFactory) -> InBlender:
    """Blender processes with a profile of their own."""
    python = present("blender-4.5")
    assert python is not None, "run `python3 build_addon.py test`: it makes .venv/blender-4.5"
    return InBlender(python, tmp_path_factory.mktemp("profile"), made.path)
