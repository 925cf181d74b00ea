"""On which device avatars are computed: a GPU that works, else the CPU, with a word on why."""

from __future__ import annotations

import logging

import torch

from shared.errors import AvatarError

LOG = logging.getLogger("splitavatar.device")

LEAST_FREE_GIB = 1.0
"""Of the GPU's memory: CUDA itself takes half of it, an avatar and its pictures the rest."""


def chosen_device(wanted: str) -> tuple[str, str]:
    """`cpu` or `cuda`, and the same with a word on why it is not the GPU that there is.

    Args:
        wanted: `auto` takes the GPU where there is one that works; `cuda` insists on it.

    Raises:
        AvatarError: `bad_request` where the GPU that is insisted on does not work.
    """
    if wanted not in ("auto", "cuda"):
        return wanted, wanted
    if not torch.cuda.is_available():
        why = "PyTorch sees no NVIDIA GPU"
    else:
        why = _why_not()
        if not why:
            return "cuda", "cuda"
        if wanted == "auto":
            LOG.warning("The CPU is used, since %s.", why)
            return "cpu", f"cpu, since {why}"
    if wanted == "cuda":
        raise AvatarError(
            "bad_request",
            f"The device cuda was asked for, but {why}.",
            "Choose the device auto or cpu, or install the backend for CUDA.",
        )
    return "cpu", "cpu"


def _why_not() -> str:
    """What keeps the GPU from working; empty for nothing."""
    name = "the GPU"
    try:
        name = torch.cuda.get_device_name(0)
        free = torch.cuda.mem_get_info(0)[0] / 2**30
        if free < LEAST_FREE_GIB:
            return f"{name} has only {free:.1f} GiB of free memory"
        if float(torch.ones(8, device="cuda").square().sum()) != 8:
            return f"{name} computes wrongly"
    except RuntimeError as error:  # also torch.OutOfMemoryError and torch.AcceleratorError
        said = str(error).splitlines()[0] if str(error) else "no reason was given"
        if "no kernel image" in said:
            return f"{name} is too old or too new for the CUDA build of PyTorch that is installed"
        return f"{name} does not work ({said})"
    return ""
