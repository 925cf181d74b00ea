"""The training loop, on one process or many."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.data.frame import FrameSource, Pair
from backend.head import Head
from backend.model.checkpoint import save_checkpoint
from backend.model.pictures import Own
from backend.model.splitavatar import SplitAvatar
from backend.training import checkpoints
from backend.training.batch import Batch, collate
from backend.training.checks import check_data, check_new, check_same_run, check_share
from backend.training.learner import (
    Learner,
    Part,
    adam,
    check_terms,
    gradient_norm,
    kept_fractions,
    set_rate,
)
from backend.training.loader import Loader
from backend.training.log import RunLog, strip
from backend.training.sampling import TrainingPairs
from backend.training.settings import Settings
from backend.training.stop import Stop
from backend.training.validation import Validation
from shared.errors import AvatarError
from shared.progress import Progress, silent

CHECKPOINTS = "checkpoints"
WEIGHTS = "weights.safetensors"
BEST = "best.safetensors"


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        step: Steps done in all.
        finished: Whether those were all.
        loss: Of the last step; None when there was none to do.
        best: Lowest validation loss; None without validation.
        weights: The network, for `backend.model.checkpoint.load_checkpoint`.
    """

    step: int
    finished: bool
    loss: float | None
    best: float | None
    weights: Path


class Trainer:
    """One run.

    Args:
        settings: Of the network and the training.
        data: The data set; its `train` split is learnt, its `val` split looked at.
        head: The data's head, on the CPU.
        out: The run's folder.
        fabric: A launched engine (`backend.training.fabric.make_fabric`).
        model: Where to start; default: a network initialised from the seed.
        portraits: Keeps the portraits' starts (`start = "portrait"`); default: a folder in `out`.

    Raises:
        AvatarError: Where settings, data and head do not belong together.
    """

    def __init__(
        self,
        settings: Settings,
        data: FrameSource,
        head: Head,
        out: Path,
        fabric: Any,
        model: SplitAvatar | None = None,
        portraits: Path | None = None,
    ) -> None:
        check_data(settings, data, head)
        check_share(settings, fabric.world_size)
        self.settings, self.config = settings, settings.train
        self.head, self.out, self.fabric = head, out, fabric
        self.pairs = TrainingPairs(data, "train", self.config.seed, self.config.sources_per_clip)
        self.model = model or SplitAvatar(settings.model, head, seed=self.config.seed)
        self.model.to(fabric.device).train()
        self.learner = Learner(self.model, settings, fabric.device)
        self.wrapped, self.optimiser = fabric.setup(self.learner, adam(self.model, self.config))
        self._start = self._portrait_start(portraits or out / "portraits")
        self.validation = Validation(data, self.config, self.learner, self._part, fabric)
        self.step = 0
        self.best: float | None = None
        self._loss: float | None = None
        self._saved: int | None = None

    def resume(self) -> None:
        """Goes on from the run's last whole checkpoint.

        Raises:
            AvatarError: `missing_weights` without one, `bad_request` for other settings,
                `head_mismatch`, `bad_file`.
        """
        path = checkpoints.latest(self.out / CHECKPOINTS)
        state = checkpoints.read_state(path)
        check_same_run(state, self.settings, self.head)
        checkpoints.restore(path, self.model, self.optimiser.optimizer)
        if state.scaler:
            self.fabric.strategy.precision.load_state_dict(state.scaler)
        self.step, self.best, self._saved = state.step, state.best, state.step

    def run(self, progress: Progress = silent, time_limit_s: float | None = None) -> Outcome:
        """Trains until all iterations are done, the time is up, or Ctrl-C.

        Args:
            progress: Told after every step.
            time_limit_s: Stop after the step that passes it.

        Raises:
            AvatarError: `cancelled` after Ctrl-C or termination (a checkpoint is written),
                `bad_request` when a loss or gradient is not finite (none is).
        """
        if self._saved is None:  # not resumed
            check_new(self.out / CHECKPOINTS)
        self.out.mkdir(parents=True, exist_ok=True)
        self._prepare_starts(progress)
        deadline = None if time_limit_s is None else time.monotonic() + time_limit_s
        with (
            Stop(self.fabric, deadline) as stop,
            Loader(self.pairs.read, self.config.workers) as loader,
            RunLog(self.out, self.step, writes=self.fabric.is_global_zero) as log,
        ):
            self._loop(loader.lists(self._numbers()), stop, log, progress)
        if stop.interrupted:
            raise AvatarError(
                "cancelled",
                f"Training was stopped after step {self.step}; its checkpoint is written.",
                "Continue with --resume.",
            )
        finished = self.step >= self.config.iterations
        return Outcome(self.step, finished, self._loss, self.best, self.out / WEIGHTS)

    def _loop(
        self, lists: Iterator[list[Pair]], stop: Stop, log: RunLog, progress: Progress
    ) -> None:
        total = self.config.iterations
        progress("train", self.step, total)
        while self.step < total and not stop.wanted():
            started = time.monotonic()
            numbers, part = self._optimise(lists)
            self.step += 1
            numbers["seconds"] = time.monotonic() - started
            if self._due(self.config.validate_every):
                numbers.update(self._validate())
            log.numbers(self.step, numbers)
            if self._due(self.config.image_every) and part.pictures is not None:
                pictures = part.pictures
                log.strip(self.step, "train", strip(part.batch, pictures.coarse, pictures.fine))
            if self._due(self.config.checkpoint_every):
                self._save()
            progress("train", self.step, total)
        if self._saved != self.step:
            self._save()

    def _prepare_starts(self, progress: Progress) -> None:
        """Makes the sources' starts at once where their number is bounded; else as they come."""
        if self._start and self.config.sources_per_clip and self.fabric.is_global_zero:
            self._start.prepare(self.pairs.sources(), progress)
        self.fabric.barrier()

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    # One step -------------------------------------------------------------------------------

    def _numbers(self) -> Iterator[list[int]]:
        """Numbers of the pairs of every part to come: this process's share of each step.

        A step's pairs are the same however many processes and parts share them.
        """
        parts, processes = self.config.accumulate, self.fabric.world_size
        size = self.config.batch // (parts * processes)
        for step in range(self.step, self.config.iterations):
            for part in range(parts):
                slot = part * processes + self.fabric.global_rank
                first = step * self.config.batch + slot * size
                yield list(range(first, first + size))

    def _optimise(self, lists: Iterator[list[Pair]]) -> tuple[dict[str, float], Part]:
        rate = set_rate(self.optimiser.optimizer, self.config, self.step)
        sums: dict[str, torch.Tensor] = {}
        part = self._differentiate(lists, 0, sums)
        for index in range(1, self.config.accumulate):
            part = self._differentiate(lists, index, sums)
        losses = self._mean(sums)
        check_terms(self.step + 1, losses)
        norm = gradient_norm(self.step + 1, self.model, self._loss_scale())
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._loss = losses["total"]
        return {**losses, "grad_norm": norm, "lr": rate, **kept_fractions(part)}, part

    def _differentiate(
        self, lists: Iterator[list[Pair]], index: int, sums: dict[str, torch.Tensor]
    ) -> Part:
        """Adds one part's gradients to the parameters' and its terms to `sums`."""
        parts = self.config.accumulate
        self._seed(index)
        part = self._part(next(lists))
        with self.fabric.no_backward_sync(self.wrapped, enabled=index < parts - 1):
            terms = self.wrapped(part)
            self.fabric.backward(terms["total"] / parts)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0) + value.detach().float() / parts
        return part

    def _part(self, pairs: list[Pair]) -> Part:
        batch: Batch = collate(pairs, self.head, self.fabric.device, self.config.driver_shape)
        own: list[Own] | None = None
        if self._start is not None:
            own = [self._start.of(pair.source) for pair in pairs]
        return Part(batch, own)

    def _seed(self, part: int) -> None:
        """Noise that depends on the step, the part and the process only."""
        entropy = [self.config.seed, self.step, part, self.fabric.global_rank]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)

    def _loss_scale(self) -> float | None:
        """What half precision multiplies the loss by; None in other precisions."""
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        return None if scaler is None else float(scaler.get_scale())

    def _mean(self, values: dict[str, torch.Tensor]) -> dict[str, float]:
        """Means over all processes."""
        together = self.fabric.all_reduce(torch.stack(list(values.values())), reduce_op="mean")
        return dict(zip(values, together.tolist(), strict=True))

    def _portrait_start(self, folder: Path) -> Any:
        if self.config.start == "none":
            return None
        from backend.training.portrait_start import PortraitStart

        return PortraitStart(self.model, self.head, folder)

    # What is kept ---------------------------------------------------------------------------

    def _validate(self) -> dict[str, float]:
        numbers = self.validation.look()
        if self.best is None or numbers["val_total"] < self.best:
            self.best = numbers["val_total"]
            if self.fabric.is_global_zero:
                save_checkpoint(self.out / BEST, self.model)
        return numbers

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            state = checkpoints.RunState(
                step=self.step,
                settings=self.settings.to_dict(),
                head=self.head.hash,
                best=self.best,
                scaler=dict(self.fabric.strategy.precision.state_dict()),
            )
            optimiser = self.optimiser.optimizer
            folder, keep = self.out / CHECKPOINTS, self.config.keep_checkpoints
            checkpoints.save(folder, keep, self.model, optimiser, state)
            save_checkpoint(self.out / WEIGHTS, self.model)
        self.fabric.barrier()
        self._saved = self.step
