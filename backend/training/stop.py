"""When a run ends before its last step: Ctrl-C, termination, a time limit; all processes agree."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any, Self

import torch

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Watches for the end. A context manager; signals are caught while it is open.

    Args:
        fabric: The engine, for agreeing among processes.
        deadline: `time.monotonic` value at which to stop; None: never.
    """

    def __init__(self, fabric: Any, deadline: float | None) -> None:
        self._fabric = fabric
        self._deadline = deadline
        self._before: dict[int, Any] = {}
        self.interrupted = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others cannot set handlers
            self._before = {number: signal.signal(number, self._interrupt) for number in _SIGNALS}
        return self

    def __exit__(self, *unused: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wanted(self) -> bool:
        """Whether to stop before the next step; the same answer in every process."""
        late = self._deadline is not None and time.monotonic() >= self._deadline
        if self._fabric.world_size == 1:
            return self.interrupted or late
        flags = torch.tensor([float(self.interrupted), float(late)], device=self._fabric.device)
        flags = self._fabric.all_reduce(flags, reduce_op="sum")
        self.interrupted = bool(flags[0] > 0)
        return self.interrupted or bool(flags[1] > 0)

    def _interrupt(self, number: int, frame: object) -> None:
        if self.interrupted and number == signal.SIGINT:
            raise KeyboardInterrupt  # the second Ctrl-C does not wait for the step's end
        self.interrupted = True
