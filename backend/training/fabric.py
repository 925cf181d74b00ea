"""Lightning Fabric: devices, processes and precision."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import torch

from backend.configs.training import TrainConfig
from shared.errors import AvatarError


def make_fabric(train: TrainConfig, devices: int = 1, device: str = "auto") -> Any:
    """The engine of a run; under torchrun as many processes as that started.

    Args:
        train: `precision`.
        devices: Processes on this machine when torchrun did not start this one.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.

    Raises:
        AvatarError: `backend_not_installed` without the packages of the research environment,
            `bad_request` for devices that are not there.
    """
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 0))
    world = int(os.environ.get("WORLD_SIZE", 0))
    count = local or devices
    nodes = world // local if local else 1
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    _check_devices(count, device)
    Fabric, DDPStrategy = _classes()
    if count * nodes == 1:
        strategy: Any = "auto"
    else:
        # Variants and mixed batches leave some parameters without a gradient.
        strategy = DDPStrategy(find_unused_parameters=True, forward_sync_buffers=False)
    return Fabric(
        accelerator=device,
        devices=count,
        num_nodes=nodes,
        strategy=strategy,
        precision="32-true" if train.precision == "32" else train.precision,
    )


def _classes() -> tuple[Any, Any]:
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy

        import_module("tensorboard")
    except ModuleNotFoundError as error:
        raise AvatarError(
            "backend_not_installed",
            f"Training needs the package {error.name}, which is not installed.",
            "Install the research environment: "
            "python backend/install.py research --target FOLDER, and train with its Python.",
        ) from error
    return Fabric, DDPStrategy


def _check_devices(count: int, device: str) -> None:
    there = torch.cuda.device_count() if device == "cuda" else count
    if device not in ("cpu", "cuda") or not 1 <= count <= there:
        raise AvatarError(
            "bad_request",
            f"{count} processes on the device {device!r} were asked for; this machine has "
            f"{torch.cuda.device_count()} NVIDIA GPUs.",
            "Choose the device auto or cpu, and one process per GPU at most.",
        )
