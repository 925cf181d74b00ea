"""The backend as a process: how it is spawned, and how its end is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from .errors import AvatarError
from .log_file import LogFile, last_words

_SCRUBBED = ("PYTHON", "__PYVENV_LAUNCHER__")
"""What variables begin with that bend a Python: PYTHONHOME, PYTHONSAFEPATH, PYTHONWARNINGS, ..."""


def spawn(command: list[str], folder: Path, log: LogFile) -> subprocess.Popen[bytes]:
    """Starts the backend; it prints into the log and ends when its stdin is closed.

    Its file descriptors 1 and 2 are the log, so what native code prints lands there too.

    Args:
        command: What to run.
        folder: Where to run it.
        log: Where its words go.

    Raises:
        OSError: It cannot be run, or the log cannot be written.
    """
    log.begin(" ".join(command))
    return subprocess.Popen(
        command,
        cwd=folder,
        env=backend_environment(),
        stdin=subprocess.PIPE,
        stdout=log.stream,
        stderr=subprocess.STDOUT,
        # A Ctrl-C in the parent's terminal is the parent's to handle.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def backend_environment() -> dict[str, str]:
    """The backend's environment: ours without what would redirect its Python."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_SCRUBBED)}
    # As backend/process.py sets it; here it is there before anything of the backend is imported.
    environment.setdefault("OMP_WAIT_POLICY", "passive")
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # an extension writes nothing beside its files
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONUTF8"] = "1"
    environment["PYTHONNOUSERSITE"] = "1"
    return environment


_FAULT = "crashed in native code"
_STOPPED = "was ended by another program or by the system, which does so when memory runs out"
_WINDOWS_ENDS = {
    0xC0000005: _FAULT,  # access violation
    0xC000001D: _FAULT,  # illegal instruction
    0xC0000374: _FAULT,  # damaged heap
    0xC0000409: _FAULT,  # abort()
    0xC000013A: _STOPPED,  # Ctrl-C
}


def ended(code: int, log: Path) -> AvatarError:
    """The one error of a backend that ended by itself.

    Args:
        code: As `subprocess` gives it: below 0 the signal.
        log: What it printed.
    """
    how = _how(code)
    if how:
        message = f"The backend {how}."
    else:
        words = last_words(log)
        message = f"The backend ended unexpectedly{': ' + words.rstrip('.') if words else ''}."
    return AvatarError(
        "backend_died",
        message,
        f"Start it again; finished files are kept. If it repeats, save a support bundle in the "
        f"add-on's preferences; the log is {log}.",
    )


def _how(code: int) -> str:
    """The cause that a code tells; empty where only the log can."""
    if sys.platform == "win32":
        return _WINDOWS_ENDS.get(code & 0xFFFFFFFF, "")
    if code >= 0:
        return ""
    return _STOPPED if -code in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT) else _FAULT
