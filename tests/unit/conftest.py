"""The sample portrait, the open head and one avatar of few iterations, made once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # torch and mediapipe take seconds to import: only for tests that want them
    from backend.avatar.file import Avatar
    from backend.avatar.pipeline import Pipeline
    from backend.head import Head
    from backend.lifting.start import Start
    from backend.tracking.portrait import Portrait, Tracker


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """The sample portrait's file: 512x512, one face of about 100 pixels."""
    from backend.assets import SAMPLE_PORTRAIT

    return SAMPLE_PORTRAIT.read_bytes()


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    from backend.avatar.pipeline import Pipeline

    pipeline = Pipeline(device="cpu")
    _ = pipeline.model, pipeline.tracker
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="session")
def open_head(pipeline: Pipeline) -> Head:
    return pipeline.head


@pytest.fixture(scope="session")
def tracker(pipeline: Pipeline) -> Tracker:
    return pipeline.tracker


@pytest.fixture(scope="session")
def portrait(tracker: Tracker, astronaut: bytes) -> Portrait:
    from shared.progress import silent

    return tracker.portrait(astronaut, None, silent)


@pytest.fixture
def quick_matte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos get the matte of videos, half the time of a portrait: where it decides nothing."""
    from backend.tracking.matte import Matter

    monkeypatch.setattr(Matter, "fine", lambda self, rgb, *_: self.matte(rgb))


@pytest.fixture(scope="session")
def begun(pipeline: Pipeline, portrait: Portrait) -> Start:
    """Where the sample portrait's personalisation starts; nobody changes it."""
    from backend.lifting.start import start
    from backend.lifting.view import View

    return start(View(portrait, pipeline.head), pipeline.model)


@pytest.fixture(scope="session")
def avatar(pipeline: Pipeline, portrait: Portrait) -> Avatar:
    from backend.avatar.create import CreateOptions
    from shared.progress import silent

    return pipeline.create_from(portrait, CreateOptions(iterations=6), silent)
