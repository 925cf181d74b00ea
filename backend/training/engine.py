"""Lightning Fabric: devices, processes and precision."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from backend.train_config import TrainConfig
from shared.errors import AvatarError


def make_fabric(train: TrainConfig, devices: int | str = "auto", accelerator: str = "auto") -> Any:
    """The engine of a run; under torchrun as many processes as that started.

    Args:
        train: `precision`.
        devices: Processes on this machine when torchrun did not start this one; `auto`: one.
        accelerator: `auto`, `cpu` or `cuda`.

    Raises:
        AvatarError: `backend_not_installed` without the packages of the research environment.
    """
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
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 0))
    world = int(os.environ.get("WORLD_SIZE", 0))
    count = local or (1 if devices == "auto" else int(devices))
    nodes = world // local if local else 1
    if count * nodes == 1:
        strategy: Any = "auto"
    else:
        # Variants and mixed batches leave some parameters without a gradient.
        strategy = DDPStrategy(find_unused_parameters=True, forward_sync_buffers=False)
    return Fabric(
        accelerator=accelerator,
        devices=count,
        num_nodes=nodes,
        strategy=strategy,
        precision="32-true" if train.precision == "32" else train.precision,  # type: ignore[arg-type]
    )
