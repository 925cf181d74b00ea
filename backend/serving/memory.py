"""How much memory this process uses."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def process_memory_mb() -> float:
    """Resident memory of this process, MiB; its peak on macOS, 0 where it cannot be told."""
    if sys.platform == "win32":
        return _windows()
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _windows() -> float:
    import ctypes

    class Counters(ctypes.Structure):
        _fields_ = (
            ("cb", ctypes.c_ulong),
            ("page_faults", ctypes.c_ulong),
            ("peak", ctypes.c_size_t),
            ("working_set", ctypes.c_size_t),
            *((f"unused_{i}", ctypes.c_size_t) for i in range(6)),
        )

    counters = Counters(cb=ctypes.sizeof(Counters))
    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel32.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel32.GetCurrentProcess())
    known = kernel32.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
    return counters.working_set / 2**20 if known else 0.0
