"""What a reader must not do: write outside its folder, run programs, take all memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MORE_MEMORY = 3 << 30
"""Bytes of address space that a reader may take besides what is taken before."""
MOST_WRITTEN = 1 << 28

_PROGRAMS = ("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn")
_PROGRAMS += ("subprocess.Popen", "socket.connect", "pty.spawn")
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod")
_CHANGES += ("os.truncate", "shutil.rmtree", "shutil.move")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guard:
    """Notes what is forbidden while a reader is watched; one per process."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._seen: list[str] = []
        sys.addaudithook(self._hook)

    @contextmanager
    def watching(self, folder: Path) -> Iterator[list[str]]:
        """What was forbidden inside the block, in words; `folder` may be written to."""
        self._seen, self._folder = [], folder.resolve()
        try:
            yield self._seen
        finally:
            self._folder = None

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._folder is None:
            return
        if event in _PROGRAMS or (event == "exec" and _is_text(arguments[0])):
            self._seen.append(f"{event} {arguments!r:.200}")
        elif event in _CHANGES or (event == "open" and _writes(arguments)):
            target = arguments[0]
            if isinstance(target, str | bytes) and not self._allowed(os.fsdecode(target)):
                self._seen.append(f"{event} {arguments!r:.200}")

    def _allowed(self, target: str) -> bool:
        folder, self._folder = self._folder, None  # resolving is no event of the reader
        try:
            assert folder is not None
            return target == os.devnull or Path(target).resolve().is_relative_to(folder)
        finally:
            self._folder = folder


def limit_memory() -> None:
    """Sets this process's limits; what is loaded now is not counted. Only Linux has them."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MORE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool((flags or 0) & _WRITING)


def _is_text(code: Any) -> bool:
    """Whether code comes from a text given to eval or exec, as a canary's."""
    return "fuzz_canary" in (*getattr(code, "co_consts", ()), *getattr(code, "co_names", ()))
