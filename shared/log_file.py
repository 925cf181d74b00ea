"""A log on disk: bounded in size, kept when it is full, and read for its last words."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

LOG_BYTES = 2_000_000
LOGS_KEPT = 3

_NATIVE_DUMP = ("Fatal Python error", "Current thread", "Thread 0x", "File ", "Extension modules")
"""How the lines of faulthandler begin, which tells where, not why."""
_CLASS_NAME = re.compile(r"^[\w.]*(?:Error|Exception|Warning|Interrupt|Exit): ")


class LogFile:
    """A log that a process prints into, also from native code; continued, and never large.

    Its size is bounded by whoever started that process: call `bound` now and then.

    Args:
        path: Where. A large log that lies there becomes `NAME.1` first.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream = path.open("ab")
        """To be given to the process as its stdout and stderr."""
        self.bound()

    def begin(self, title: str) -> None:
        """Writes the line above what one process prints."""
        self.stream.write(f"---- {time.strftime('%Y-%m-%d %H:%M:%S')} {title}\n".encode())
        self.stream.flush()

    def bound(self) -> None:
        """Moves what is in a large log to `NAME.1`, also while a process prints into it.

        What is printed at that very moment may be lost.
        """
        if os.fstat(self.stream.fileno()).st_size < LOG_BYTES:
            return
        for number in range(LOGS_KEPT - 1, 0, -1):
            if (older := _older(self.path, number)).exists():
                os.replace(older, _older(self.path, number + 1))
        shutil.copyfile(self.path, _older(self.path, 1))
        # The process shares this stream's place in the file, so it goes on at the beginning;
        # renaming would fail on Windows while the file is open.
        self.stream.seek(0)
        self.stream.truncate()

    def close(self) -> None:
        """Ends our side of it."""
        self.stream.close()


def append(path: Path, title: str, text: str) -> None:
    """Writes a text into a log of ours that no process holds open.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    log = LogFile(path)
    try:
        log.begin(title)
        log.stream.write(text.encode(errors="replace").rstrip() + b"\n")
    finally:
        log.close()


def files(path: Path) -> list[Path]:
    """The log and the older ones that are there, newest first."""
    return [p for p in (path, *(_older(path, n + 1) for n in range(LOGS_KEPT))) if p.is_file()]


def last_words(path: Path) -> str:
    """The last line that says why, in a user's words; empty where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 8192))
            lines = [line.strip() for line in stream.read().decode(errors="replace").splitlines()]
    except OSError:
        return ""
    for line in reversed(lines):
        if line.startswith("----"):
            return ""
        if line and not line.startswith(_NATIVE_DUMP):
            return _CLASS_NAME.sub("", line)
    return ""


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
