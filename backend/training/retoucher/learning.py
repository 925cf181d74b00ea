"""The training of the retoucher, which goes on where it stopped, on any machine."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from backend.model.retoucher import PICTURE, PLANES, Retoucher
from shared.atomic import replacing, write_bytes
from shared.errors import AvatarError
from shared.progress import Progress, silent

from .objective import Objective
from .samples import KEPT, OWN, TRIP, Samples
from .variation import varied

WEIGHTS = "retoucher.safetensors"
_STATE = "state.pt"
_METRICS = "metrics.json"
_BETAS = (0.9, 0.99)
_DECAY = 0.01
_WARM_UP = 200  # steps
_LAST_RATE = 0.02  # of the first
_LONGEST_GRADIENT = 1.0
_KEPT = 0.998  # of the mean of weights, a step
_SHARES = {OWN: 0.08, TRIP: 0.62, KEPT: 0.3}
"""Of the samples that are picked."""

_JUDGED_AT_ONCE = 16
_LOOK_EVERY = 250  # steps


@dataclass(frozen=True)
class Settings:
    """Of a training.

    Args:
        iterations: Steps in all.
        minutes: It takes no longer than that, and its rate falls accordingly; None: as long as it
            takes.
        batch: Samples of a step.
        rate: The highest learning rate.
        seed: Of everything.
    """

    iterations: int = 8000
    minutes: float | None = None
    batch: int = 16
    rate: float = 5e-4
    seed: int = 0


class Learning:
    """One training.

    Args:
        settings: Its numbers.
        learned: Samples to learn from.
        looked_at: Samples to measure with.
        out: Its folder: the weights' running mean, the whole state, the measures.
        device: `cpu` or `cuda`.
    """

    def __init__(
        self, settings: Settings, learned: Samples, looked_at: Samples, out: Path, device: str
    ) -> None:
        self._settings, self._out, self._device = settings, out, torch.device(device)
        self._learned, self._looked_at = learned.to(self._device), looked_at.to(self._device)
        kinds = self._learned.kinds
        self._weights = torch.zeros(len(kinds), device=self._device)
        for kind, share in _SHARES.items():
            self._weights[kinds == kind] = share / max(int((kinds == kind).sum()), 1)
        self._objective = Objective().to(self._device)
        torch.manual_seed(settings.seed)
        self._network = self._made()
        self._mean = self._made()
        self._mean.load_state_dict(self._network.state_dict())
        self._mean.eval().requires_grad_(False)
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), settings.rate, _BETAS, weight_decay=_DECAY
        )
        fast = device == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        self._half = torch.autocast(device, torch.bfloat16, enabled=fast)
        self._measures: list[dict[str, float]] = []
        self.step, self._seconds = 0, 0.0

    def _made(self) -> Retoucher:
        network = Retoucher()
        return network.to(self._device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def resume(self) -> None:
        """Goes on from the folder's state.

        Raises:
            AvatarError: `missing_weights` without one.
        """
        path = self._out / _STATE
        if not path.is_file():
            raise AvatarError("missing_weights", f"{path} does not exist.", "Train without it.")
        state = torch.load(path, map_location=self._device, weights_only=True)
        self._network.load_state_dict(state["network"])
        self._mean.load_state_dict(state["mean"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self._seconds = state["step"], state["seconds"]
        self._measures = state["measures"]

    def begin_with(self, weights: Path) -> None:
        """Starts from what another training made."""
        for network in (self._network, self._mean):
            network.load(weights.read_bytes())

    def run(
        self, progress: Progress = silent, stop: Callable[[], bool] = lambda: False
    ) -> list[dict[str, float]]:
        """Learns until all steps are done, or `stop` says so.

        Returns:
            Measures of the samples looked at, untrained first.
        """
        self._out.mkdir(parents=True, exist_ok=True)
        total = self._settings.iterations
        if not self._measures:
            self._look()
        while self._done() < 1 and not stop():
            progress("retoucher", self.step, total)
            began = time.monotonic()
            self._learn()
            self.step += 1
            self._seconds += time.monotonic() - began
            if self.step % _LOOK_EVERY == 0:
                self._look()
                self.save()
        if self._measures[-1]["step"] != self.step:
            self._look()
        self.save()
        progress("retoucher", self.step, total)
        return self._measures

    def save(self) -> None:
        """The weights that would ship, and all that is needed to go on."""
        halves = {name: v.half().cpu().contiguous() for name, v in self._mean.state_dict().items()}
        with replacing(self._out / WEIGHTS) as temporary:
            safetensors.torch.save_file(halves, temporary)
        state = {
            "network": self._network.state_dict(),
            "mean": self._mean.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "seconds": self._seconds,
            "measures": self._measures,
        }
        with replacing(self._out / _STATE) as temporary:
            torch.save(state, temporary)
        write_bytes(self._out / _METRICS, json.dumps(self._measures, indent=1).encode())

    def _done(self) -> float:
        """0..1: how much of the training is over."""
        minutes = self._settings.minutes
        by_time = self._seconds / (60 * minutes) if minutes else 0.0
        return max(self.step / self._settings.iterations, by_time)

    def _learn(self) -> None:
        settings = self._settings
        chance = torch.Generator(self._device).manual_seed(settings.seed + self.step)
        samples = varied(self._picked(chance), chance)
        rate = settings.rate * _share_of_rate(self.step, self._done())
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        planes = samples[:, :PLANES]
        backdrop = torch.rand(len(samples), 3, 1, 1, generator=chance, device=self._device)
        with self._half:
            added = self._network(planes.to(memory_format=torch.channels_last))
            retouched = planes[:, :PICTURE] + added.float()
            total = self._objective(retouched, samples, backdrop)
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _LONGEST_GRADIENT)
        self._optimiser.step()
        kept = min(_KEPT, (self.step + 1) / (self.step + 11))
        pairs = zip(self._mean.parameters(), self._network.parameters(), strict=True)
        with torch.no_grad():
            for mean, value in pairs:
                mean.lerp_(value, 1 - kept)

    def _picked(self, chance: torch.Generator) -> Tensor:
        which = torch.multinomial(
            self._weights, self._settings.batch, replacement=True, generator=chance
        )
        picked = self._learned.select(which)
        return torch.cat([picked.drawn, picked.target], dim=1).float() / 255

    @torch.no_grad()
    def _look(self) -> None:
        """Measures the round trips looked at."""
        trips = self._looked_at.select(self._looked_at.kinds == TRIP)
        found: dict[str, list[Tensor]] = {}
        for first in range(0, len(trips), _JUDGED_AT_ONCE):
            part = slice(first, first + _JUDGED_AT_ONCE)
            planes, target = trips.drawn[part].float() / 255, trips.target[part].float() / 255
            retouched = planes[:, :PICTURE] + self._mean(planes)
            for name, values in self._objective.judge(retouched, target).items():
                found.setdefault(name, []).append(values)
        means = {name: float(torch.cat(values).mean()) for name, values in found.items()}
        self._measures.append({"step": self.step, "time": time.time(), **means})


def _share_of_rate(step: int, done: float) -> float:
    """Up in the beginning, then down along a cosine."""
    down = 0.5 * (1 + math.cos(math.pi * done))
    return min(1.0, (step + 1) / _WARM_UP) * (_LAST_RATE + (1 - _LAST_RATE) * down)
