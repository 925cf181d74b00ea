"""Asks the installed backend what works on this machine."""

import subprocess
import tempfile
import time

from .._shared import backend_process
from ..steps import Progress, Steps
from . import settings

LONGEST_S = 120.0
"""`doctor` imports torch and draws a picture; a machine where that takes longer is told of."""


def facts() -> Steps[str]:
    """What `python -m backend doctor` prints, or why there is nothing; never raises."""
    launch = settings.launch_settings()
    if not settings.installed():
        return f"The backend is not installed: {launch.python} is missing or incomplete.\n"
    with tempfile.TemporaryFile() as said:
        try:
            child = subprocess.Popen(
                [str(launch.python), "-m", "backend", "doctor"],
                cwd=launch.root,
                env=backend_process.backend_environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            return f"The backend's doctor could not be started: {error}\n"
        until = time.monotonic() + LONGEST_S
        try:
            while child.poll() is None and time.monotonic() < until:
                yield Progress("Looking at this machine")
        finally:
            late = child.poll() is None
            if late:
                child.kill()
            code = child.wait()
        said.seek(0)
        end = f"not finished after {LONGEST_S:.0f} s" if late else f"ended with {code}"
        return f"doctor {end}:\n{said.read().decode(errors='replace')}"
