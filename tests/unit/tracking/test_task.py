"""What MediaPipe prints past Python while a task opens."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.tracking.task import _quiet


@pytest.fixture
def stderr_to() -> Iterator:
    """Puts a file descriptor in the place of stderr for the test."""
    kept = os.dup(2)
    yield lambda descriptor: os.dup2(descriptor, 2)
    os.dup2(kept, 2)
    os.close(kept)


def test_in_a_log_it_is_kept(tmp_path: Path, stderr_to) -> None:
    with (tmp_path / "backend.log").open("wb") as log:
        stderr_to(log.fileno())
        with _quiet():
            os.write(2, b"last words")
    assert (tmp_path / "backend.log").read_bytes() == b"last words"


def test_before_a_reader_it_is_hidden_and_what_follows_is_shown(stderr_to) -> None:
    read, write = os.pipe()
    stderr_to(write)
    with _quiet():
        os.write(2, b"chatter")
    os.write(2, b"a word of ours")
    os.close(write)
    assert os.read(read, 100) == b"a word of ours"
    os.close(read)
