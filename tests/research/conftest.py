"""What several research tests share."""

from collections.abc import Iterator

import pytest

from backend.avatar.pipeline import Pipeline


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    """The open preset's."""
    pipeline = Pipeline(device="cpu")
    yield pipeline
    pipeline.close()
