"""The backend as a process: how it is spawned, where its words go, and how its end is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

LOG_BYTES = 2_000_000
LOGS_KEPT = 3

_SCRUBBED = {
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONEXECUTABLE",
    "PYTHONINSPECT",
    "PYTHONPYCACHEPREFIX",  # would hide the bytecode that pip made of torch
}


def spawn(command: list[str], folder: Path, log_path: Path) -> subprocess.Popen[bytes]:
    """Starts the backend; it prints into the log and ends when its stdin is closed.

    Args:
        command: What to run.
        folder: Where to run it.
        log_path: The log, continued; a large one is rotated first.

    Raises:
        OSError: It cannot be run, or the log cannot be written.
    """
    _rotate(log_path)
    with log_path.open("ab") as log:
        line = f"---- {time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(command)}\n"
        log.write(line.encode())
        log.flush()
        return subprocess.Popen(
            command,
            cwd=folder,
            env=backend_environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A Ctrl-C in the parent's terminal is the parent's to handle.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


def backend_environment() -> dict[str, str]:
    """The backend's environment: ours without what would redirect its Python."""
    environment = {k: v for k, v in os.environ.items() if k not in _SCRUBBED}
    # As backend/process.py sets it; here it is there before anything of the backend is imported.
    environment.setdefault("OMP_WAIT_POLICY", "passive")
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # an extension writes nothing beside its files
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONUTF8"] = "1"
    environment["PYTHONNOUSERSITE"] = "1"
    return environment


def exit_words(code: int) -> str:
    """How a process ended, for the sentence "The backend process ..."."""
    if code < 0 and sys.platform != "win32":
        return f"was ended by signal {-code}"
    return f"ended with exit code {code}"


def last_line(log: Path) -> str:
    """The last words that a backend printed; empty when it printed none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4096))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    words = [line.strip() for line in lines if line.strip()]
    return words[-1][:300] if words and not words[-1].startswith("----") else ""


def _rotate(log: Path) -> None:
    if not log.exists() or log.stat().st_size < LOG_BYTES:
        return
    for number in range(LOGS_KEPT - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            os.replace(older, log.with_name(f"{log.name}.{number + 1}"))
    os.replace(log, log.with_name(f"{log.name}.1"))
