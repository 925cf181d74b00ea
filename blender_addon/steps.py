"""Long work as generators: each `yield` says how far it is and gives the thread back.

A modal operator takes one step per timer tick, a script runs all of them (`finish`); both run the
very same generator, always on Blender's main thread.
"""

import itertools
import os
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import bpy

from ._shared import AvatarError

Result = TypeVar("Result")

LOOK_S = 0.5
"""How often what waits for the end of a render looks whether it is there."""

TICK_S = 0.005
"""How long a script waits between looks at what it waits for."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is.

    Args:
        phase: What is being done, for display.
        done: Steps done.
        total: Steps of this phase; 0 when unknown.
        eta_s: Seconds to the end of the phase, None when unknown.
    """

    phase: str
    done: float = 0.0
    total: float = 0.0
    eta_s: float | None = None

    @property
    def factor(self) -> float:
        """0..1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    @property
    def text(self) -> str:
        """One line for the panel."""
        text = self.phase[:1].upper() + self.phase[1:]
        if self.total > 1:
            text += f" {self.done:.0f} of {self.total:.0f}"
        if self.eta_s is not None and self.eta_s >= 1:
            text += f", {self.eta_s:.0f} s left"
        return text


Steps = Generator[Progress, None, Result]


def without_window() -> bool:
    """Whether nothing pumps events: `-b` and module mode. Then everything is done at once."""
    return bpy.app.background


def is_rendering() -> bool:
    """Whether a window renders in a thread of its own, which copies the scene meanwhile.

    Who adds or takes away a modifier in the main thread then, crashes Blender (5.2).
    """
    return bpy.app.is_job_running("RENDER")


def new_job() -> str:
    """An id for a job, unique for this process."""
    return f"{os.getpid()}-{next(_numbers)}"


def cancelled(what: str) -> AvatarError:
    """The error of work that the user stopped."""
    return AvatarError("cancelled", f"{what} was cancelled.", "Finished files are kept.")


def wait(future: "Future[Any]", progress: Callable[[], Progress]) -> Steps[Any]:
    """Waits for a future of the client and returns its result, or raises its `AvatarError`."""
    while not future.done():
        yield progress()
    return future.result()


def finish(steps: Steps[Result], between: Callable[[], object]) -> Result:
    """Runs all steps now.

    Args:
        steps: The work.
        between: Called between the steps; polls the backend.
    """
    try:
        while True:
            next(steps)
            between()
            time.sleep(TICK_S)
    except StopIteration as end:
        return end.value
