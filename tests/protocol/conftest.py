"""Real backend processes with a fake network, and conditions to wait for."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.client import Client
from shared.launcher import Launcher, LaunchSettings

ROOT = Path(__file__).resolve().parents[2]
BYTECODE = Path(tempfile.gettempdir()) / f"splitavatar-test-bytecode-{os.getuid()}"


def wait_for(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Waits until a condition holds; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        threading.Event().wait(0.01)


def fake_settings(folder: Path, fault: str = "") -> LaunchSettings:
    """Settings that start the fake backend."""
    # Compiling NumPy anew for every test would take most of the time.
    BYTECODE.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (folder / "pycache").symlink_to(BYTECODE, target_is_directory=True)
    return LaunchSettings(
        python=Path(sys.executable),
        root=ROOT,
        user_folder=folder,
        module="tests.fakes.fake_backend",
        arguments=("--fault", fault) if fault else (),
    )


@contextlib.contextmanager
def running(folder: Path, fault: str = "") -> Iterator[Launcher]:
    """A fake backend that is ready; stopped at the end."""
    launcher = Launcher(fake_settings(folder, fault))
    launcher.start()
    try:
        launcher.wait_ready(30)
        yield launcher
    finally:
        launcher.stop()
        assert launcher.wait_stopped()


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """A healthy fake backend for all tests of a module."""
    with running(tmp_path_factory.mktemp("backend")) as found:
        yield found


@pytest.fixture
def client(launcher: Launcher) -> Client:
    """Its client."""
    assert launcher.client is not None
    return launcher.client
