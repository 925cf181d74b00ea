"""How this process uses threads and memory, to be set before torch loads; and when it ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import wait

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def tune_process() -> None:
    """Threads that wait asleep, and freed memory that is kept for the next tensor.

    Two spinning OpenMP users in one process slow each other tenfold, and OpenBLAS brings a
    third pool for matrices that are too small for it. glibc gives large blocks back to the
    system at once, and faulting them in again doubled the network's time on the CPU.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent from other C libraries
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def end_with_parent() -> None:
    """Makes a worker process end as soon as its parent is gone.

    A worker waits for work forever, and a parent that was killed never tells it to end. What it
    writes has to be atomic.
    """
    threading.Thread(target=_await_parents_end, name="parent", daemon=True).start()


def _await_parents_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
