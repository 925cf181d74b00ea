"""A MediaPipe task that is kept open, survives a failure and ends without complaint."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

import mediapipe as mp
import numpy as np

from shared.errors import AvatarError

from .lit import lit

_PROCESSORS = Path("/sys/devices/system/cpu/possible")
LEAST_SIDE_PX = 8
"""MediaPipe's graphs fail on pictures of a pixel or so, and refuse all others afterwards."""


class _Closable(Protocol):
    def close(self) -> None: ...


Task = TypeVar("Task", bound=_Closable)
Result = TypeVar("Result")


class OpenTask(Generic[Task]):
    """Holds a task and opens it anew after a failure. Not thread-safe.

    Args:
        create: Opens the task.
    """

    def __init__(self, create: Callable[[], Task]) -> None:
        self._create = create
        self._open()

    def _open(self) -> None:
        check_processors_are_listed()
        with _quiet():
            self._task: Task = self._create()
        # Also called at exit, while the modules that closing needs are still there.
        self._finalizer = weakref.finalize(self, _close, self._task)

    def run(self, call: Callable[[Task, mp.Image], Result], rgb: np.ndarray) -> Result:
        """Calls `call(task, image)`.

        Args:
            call: What to ask of the task.
            rgb: [H, W, 3] uint8 sRGB, both sides at least `LEAST_SIDE_PX`; very dark pictures are
                shown brighter.

        Raises:
            AvatarError: `bad_file` where MediaPipe fails on the picture.
        """
        if not self._finalizer.alive:
            raise ValueError("the task is closed")
        height, width = rgb.shape[:2]
        if min(height, width) < LEAST_SIDE_PX:
            raise ValueError(f"the picture is {width}x{height}; expected {LEAST_SIDE_PX} or more")
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(lit(rgb)))
        try:
            return call(self._task, image)
        except RuntimeError as error:
            self.close()  # a graph that has failed refuses everything afterwards
            self._open()
            raise AvatarError(
                "bad_file",
                f"MediaPipe could not process the picture of {width}x{height} pixels "
                f"({str(error).splitlines()[0]}).",
                "Use another picture.",
            ) from error

    def close(self) -> None:
        """Frees the task; more than one call does no harm."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_processors_are_listed(listed: Path = _PROCESSORS) -> None:
    """Refuses a Linux without /sys, as in a bare container: MediaPipe ends the process there.

    Raises:
        AvatarError: `backend_not_installed`.
    """
    if sys.platform == "linux" and not listed.is_file():
        raise AvatarError(
            "backend_not_installed",
            f"{listed} is missing, without which MediaPipe cannot start.",
            "Mount /sys into the container or chroot, for instance: mount -t sysfs sysfs /sys",
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides what MediaPipe's C++ prints to stderr while a task opens; nothing else silences it.

    It would tear the progress bars; what goes wrong arrives as an exception. In a log file it
    stays, since it may be the last words before MediaPipe ends the process.
    """
    if stat.S_ISREG(os.fstat(2).st_mode):
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _close(task: Any) -> None:
    try:
        task.close()
    except RuntimeError:
        # The graph has failed, or the interpreter has already stopped the task's own thread.
        # Without its handle, the task's __del__ does not try again when modules are gone.
        task._handle = None
        task._dispatcher.close()
        task._lib.close()
