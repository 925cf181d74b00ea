"""The command line with the fake pipeline, and how its answers are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend import __main__ as command_line
from backend.avatar import engines
from tests.fakes.fake_pipeline import FakeAvatar, FakeCreateOptions, FakePipeline


class Line:
    """Runs commands and keeps what they wrote."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.pipeline = FakePipeline()
        self._capfd = capfd
        self.err = ""

    def engine(self, preset: str, device: str, weights: object, phase: Any) -> engines.Engine:
        phase("loading")
        print("a library's chatter")
        return engines.Engine(self.pipeline, FakeCreateOptions, FakeAvatar.load)

    def __call__(self, *arguments: object, code: int = 0) -> str:
        self._capfd.readouterr()
        found = command_line.main([str(a) for a in arguments])
        out, self.err = self._capfd.readouterr()
        assert found == code, self.err
        return out

    def json(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        return json.loads(self(*arguments, "--json", code=code))


def names(paths: list[str]) -> list[str]:
    return [Path(p).name for p in paths]
