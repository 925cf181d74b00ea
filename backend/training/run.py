"""A whole run by one call, for the command and for experiments that train several networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backend.data.frame import FrameSource
from backend.head import Head
from backend.training.checks import start_from
from backend.training.fabric import make_fabric
from backend.training.settings import Settings
from backend.training.trainer import Outcome, Trainer
from shared.errors import AvatarError
from shared.progress import Progress, silent


def train(
    settings: Settings,
    data: FrameSource,
    head: Head,
    out: Path,
    *,
    resume: bool = False,
    weights: Path | None = None,
    portraits: Path | None = None,
    time_limit_s: float | None = None,
    fabric: Any = None,
    progress: Progress = silent,
) -> Outcome:
    """Trains a network.

    Args:
        settings: From `backend.training.settings.load_settings`.
        data: With the splits `train` and, unless `validate_every` is 0, `val`.
        head: The data's head, on the CPU.
        out: Folder of the run: checkpoints, weights.safetensors, best.safetensors,
            metrics.jsonl, tensorboard, images.
        resume: Go on with the run in that folder.
        weights: A checkpoint to start from.
        portraits: Keeps the portraits' starts; several runs may share it.
        time_limit_s: Stop then; the run can be resumed.
        fabric: A launched engine; default: one process on the best device there is.
        progress: Told after every step.

    Raises:
        AvatarError: As `Trainer`.
    """
    if resume and weights is not None:
        raise AvatarError(
            "bad_request",
            "A resumed run has its own weights; it cannot start from others.",
            "Leave out --weights, or begin a run in another folder.",
        )
    if fabric is None:
        fabric = make_fabric(settings.train)
        fabric.launch()
    model = None
    if weights is not None:
        model, _ = start_from(weights, settings, head)
    trainer = Trainer(settings, data, head, out, fabric, model, portraits)
    if resume:
        trainer.resume()
    return trainer.run(progress, time_limit_s)
