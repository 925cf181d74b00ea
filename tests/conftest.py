"""What every suite shares: a test that leaks a thread or a process fails.

Runs in every environment (backend, both Blenders), so it needs pytest and the standard
library only.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# As backend/process.py tunes its own process, and before anything loads numpy: on a busy machine
# the threads of OpenBLAS's pool wait for each other so long that tests run out of time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

GRACE_S = 5.0
"""How long something that is already ending may take to be gone."""

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root folder."""
    return ROOT


def _child_processes() -> dict[int, str]:
    """Living children of this process and their command lines; empty where /proc is missing."""
    children: dict[int, str] = {}
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            pids = task.read_text().split()
        except OSError:  # the thread ended between glob and read
            continue
        for pid in pids:
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            # multiprocessing keeps one helper process for as long as the interpreter lives.
            if state != "Z" and "resource_tracker" not in command:
                children[int(pid)] = command.strip()
    return children


def _leaks(threads: set[threading.Thread], processes: set[int]) -> list[str]:
    found = [f"thread {t.name!r}" for t in threading.enumerate() if t not in threads]
    found += [
        f"process {pid}: {cmd}" for pid, cmd in _child_processes().items() if pid not in processes
    ]
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread or a child process behind.

    Fixtures of a wider scope are set up before this one, so what they keep running is no leak.
    """
    threads, processes = set(threading.enumerate()), set(_child_processes())
    yield
    deadline = time.monotonic() + GRACE_S
    while (leaks := _leaks(threads, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)
    if leaks:
        pytest.fail("left running: " + "; ".join(leaks))


@pytest.fixture(autouse=True, scope="session")
def _quiet_machine() -> None:
    """Two cores: numeric libraries must not start more threads than that."""
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    try:
        import tqdm
    except ImportError:  # the Blender environments have none
        return
    tqdm.tqdm.monitor_interval = 0  # its monitor thread outlives every bar
