"""Runs pip as a child process: progress from its output, cancelling, clear errors."""

import contextlib
import queue
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import InstallError
from .locks import Pin
from .machine import clean_environment, pip_environment
from .plan import SHORTER_FOLDER, Plan, environment_python

STARTED = re.compile(
    r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)=="
    r"|Processing .*?([\w.]+)-[^-/\\]+(?:-[^/\\]+)?\.(?:whl|tar\.gz)"
)
"""pip's line on the next package: from an index, already there, or from a folder."""

POLL_S = 0.1
LAST_LINES = 40


@dataclass(frozen=True)
class InstallProgress:
    """How far an installation is. `eta_s` is None until something was downloaded."""

    phase: str
    packages_done: int
    packages_total: int
    bytes_done: int
    bytes_total: int
    eta_s: float | None


Report = Callable[[InstallProgress], None]
"""Called about ten times a second; whatever it raises stops pip and ends the installation."""


def quiet(progress: InstallProgress) -> None:
    """A `Report` that shows nothing."""


class Meter:
    """Turns pip's raw progress lines into `InstallProgress`."""

    def __init__(self, wanted: Plan, report: Report) -> None:
        self.sizes = wanted.sizes
        self.report = report
        self.started = time.monotonic()
        self.finished: dict[str, int] = {}
        self.current = ""
        self.current_bytes = 0
        self.downloaded = 0
        self.phase = "preparing"
        self.total = len(wanted.pins)
        self.bytes_total = wanted.download_bytes

    def line(self, text: str) -> None:
        """Read one line of pip's output."""
        if match := STARTED.match(text):
            self._finish()
            self.current = re.sub(r"[._]+", "-", match[1] or match[2]).lower()
            self.phase = f"collecting {self.current}"
        elif match := re.match(r"\s*(Downloading|Using cached) ", text):
            self.phase = f"{match[1].lower()} {self.current}"
        elif match := re.match(r"Progress (\d+) of (\d+)", text):
            self.current_bytes = int(match[1])
        elif text.startswith("Installing collected packages"):
            self._finish()
            self.phase = "unpacking"

    def _finish(self) -> None:
        if self.current:
            self.downloaded += self.current_bytes
            self.finished[self.current] = self.current_bytes or self.sizes.get(self.current, 0)
        self.current, self.current_bytes = "", 0

    def tick(self) -> None:
        """Report the present state."""
        done = sum(self.finished.values()) + self.current_bytes
        received = self.downloaded + self.current_bytes
        elapsed = time.monotonic() - self.started
        left = max(0, self.bytes_total - done)
        eta = elapsed * left / received if received > 1_000_000 else None
        self.report(
            InstallProgress(
                self.phase,
                min(len(self.finished), self.total),
                self.total,
                min(done, self.bytes_total),
                self.bytes_total,
                eta,
            )
        )


@contextlib.contextmanager
def _process(
    command: list[str], environment: dict[str, str] | None
) -> Iterator[tuple["subprocess.Popen[str]", "queue.Queue"]]:
    """A child whose output lines arrive in a queue (None at its end); gone on leaving."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=clean_environment() if environment is None else environment,
    )
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            lines.put(line.rstrip())
        lines.put(None)

    reader = threading.Thread(target=read, name="installer output", daemon=True)
    reader.start()
    try:
        yield child, lines
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
        child.wait()
        reader.join(5)
        if child.stdout is not None:
            child.stdout.close()


def run_command(
    command: list[str], meter: Meter, environment: dict[str, str] | None = None
) -> tuple[int, list[str]]:
    """Run a command, feeding the meter; (exit code, its last lines).

    Args:
        command: What to run.
        meter: Told every line.
        environment: Variables; None: `clean_environment`.
    """
    last: list[str] = []
    with _process(command, environment) as (child, lines):
        ended = False
        while not ended:
            try:
                line = lines.get(timeout=POLL_S)
            except queue.Empty:
                meter.tick()
                continue
            if line is None:
                ended = True
                continue
            meter.line(line)
            if not line.startswith("Progress "):
                last = [*last, line][-LAST_LINES:]
        meter.tick()
        return child.wait(), last


_REASONS = (
    (
        "path_too_long",
        r"Windows Long Path support|WinError 206|filename or extension is too long",
        SHORTER_FOLDER,
    ),
    ("hash_mismatch", r"THESE PACKAGES DO NOT MATCH THE HASHES", "Try again on another network."),
    ("disk_full", r"No space left on device|WinError 112", "Free some disk space and try again."),
    (
        "wheel_not_accepted",
        r"No matching distribution found|Could not find a version that satisfies",
        "Check that the package index is reachable, or choose another torch source.",
    ),
    (
        "network",
        r"NewConnectionError|Max retries exceeded|Temporary failure in name|ReadTimeout|"
        r"ConnectionError|ConnectTimeout|SSLError|ProxyError",
        "Check the network connection and pip's own settings, then try again.",
    ),
)


def _pip_failure(last: list[str]) -> InstallError:
    """The clear word for a failed pip, from its last lines."""
    text = "\n".join(last)
    errors = [line for line in last if line.startswith("ERROR:")] or last[-3:]
    said = " ".join(line.removeprefix("ERROR: ") for line in errors[:3])
    # A dead network also ends in "No matching distribution": look for its traces first.
    for code, pattern, remedy in sorted(_REASONS, key=lambda reason: reason[0] != "network"):
        if re.search(pattern, text):
            return InstallError(code, f"pip could not install a package: {said}", remedy)
    return InstallError("pip_failed", f"pip failed: {said}", "Install again.")


def pip_install(wanted: Plan, pins: list[Pin], options: list[str], meter: Meter) -> None:
    """Install pins with hashes and without dependencies."""
    if not pins:
        return
    with tempfile.TemporaryDirectory(prefix="splitavatar-") as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("\n".join(pin.text for pin in pins) + "\n", encoding="utf-8")
        python = str(environment_python(wanted.target))
        base = [python, "-m", "pip", "install", "--no-input"]
        base += ["--require-hashes", "--no-deps", "-r", str(requirements)]
        code, last = run_command([*base, *options], meter, pip_environment(python))
    if code != 0:
        raise _pip_failure(last)
