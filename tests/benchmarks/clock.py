"""A clock that waits for what a GPU still has to do."""

from __future__ import annotations

import time

import torch


def now(device: str | torch.device) -> float:
    """Seconds; everything asked of the device before is done."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
