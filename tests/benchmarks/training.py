"""What a training step costs, stage by stage, in seconds of processor time of one thread.

    python tests/benchmarks/training.py small open --json training.json

Processor time, not time on the clock: what else runs on the machine disturbs it little. With
`--device cuda` it is time on the clock, of what the GPU is waited for.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from backend.data.frame import Pair
from backend.losses import TERMS, LossWeights, TrainingLoss
from backend.losses.perceptual import perceptual_network
from backend.model.pictures import Pictures
from backend.model.splitavatar import SplitAvatar
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from backend.training.batch import collate
from backend.training.forward import forward
from backend.training.learner import adam
from backend.training.settings import load_settings
from shared.camera import Camera
from tests.benchmarks.clock import now
from tests.fakes.drawn_clips import DrawnClips, open_head

PAIRS = 4
RASTER = "(rasterising, both ways: part of other rows)"


class Clock:
    """Seconds that work takes.

    Args:
        device: Where the work is done.
    """

    def __init__(self, device: str) -> None:
        self.device = device

    def _now(self) -> float:
        return time.process_time() if self.device == "cpu" else now(self.device)

    def __call__(self, work: Callable[[], Any]) -> tuple[float, Any]:
        """Seconds, and what the work gave."""
        started = self._now()
        result = work()
        return self._now() - started, result


def term_seconds(seconds: Clock, drawn: Any, batch: Any, size: int) -> dict[str, float]:
    """Of every term alone, forward; the perceptual one by the embedded network."""
    costs = {}
    for term in TERMS:
        only: dict[str, Any] = {name: float(name == term) for name in TERMS}
        network = _effnet(size, seconds.device) if term == "perceptual" else None
        loss = TrainingLoss(LossWeights(**only), network)
        costs[f"loss: {term}"], _ = seconds(
            lambda loss=loss: loss(drawn, batch.target_images, batch.vertices, batch.boxes)
        )
    return costs


def _effnet(size: int, device: str) -> Any:
    network = perceptual_network("effnet", size)
    return network and network.to(device)


def measure(preset: str, seconds: Clock) -> dict[str, float]:
    """Stages of one step of a preset with four pairs, without portraits' starts."""
    settings = load_settings(preset)
    size = settings.model.image_size
    device = seconds.device
    data, head = DrawnClips(size), open_head().to(device)
    pairs = [Pair(data.read("red", 0), data.read("red", 10 * (i + 1))) for i in range(PAIRS)]
    model = SplitAvatar(settings.model, head).to(device).train()
    optimiser = adam(model, settings.train)
    loss = TrainingLoss(LossWeights(), _effnet(size, device))

    def step() -> dict[str, float]:
        costs: dict[str, float] = {}
        costs["batch"], batch = seconds(lambda: collate(pairs, head, device))
        costs["encoder"], _ = seconds(lambda: model.encoder(batch.source_images))
        forwards, drawn = seconds(lambda: forward(model, batch, mask_gradient=True))
        costs["network and drawing, forward"] = forwards - costs["encoder"]
        costs[RASTER] = raster_seconds(seconds, drawn, batch.target_cameras)
        costs.update(term_seconds(seconds, drawn, batch, size))
        terms = loss(drawn, batch.target_images, batch.vertices, batch.boxes)
        costs["everything, backward"], _ = seconds(terms["total"].backward)
        costs["Adam"], _ = seconds(optimiser.step)
        optimiser.zero_grad()
        return costs

    step()
    costs = step()
    return {**costs, "step": sum(costs.values()) - costs[RASTER]}


def raster_seconds(seconds: Clock, drawn: Pictures, cameras: Sequence[Camera]) -> float:
    """The rasteriser's share, both ways: colours of every sample's Gaussians."""
    total = 0.0
    for cloud, camera in zip(drawn.clouds, cameras, strict=True):
        values = (cloud.means, cloud.quats, cloud.scales, cloud.opacities, cloud.features[:, :3])
        leaves = [value.detach().contiguous().requires_grad_(True) for value in values]

        def both(camera: Camera = camera, leaves: list[Tensor] = leaves) -> None:
            rasterise(Gaussians(*leaves), camera, mask_gradient=True).features.mean().backward()

        total += seconds(both)[0]
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("presets", nargs="+", help="presets of the open head")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    clock = Clock(args.device)
    results = {preset: measure(preset, clock) for preset in args.presets}
    kind = "processor seconds" if args.device == "cpu" else "seconds on the GPU"
    print(f"| {kind}, {PAIRS} pairs | " + " | ".join(results) + " |")
    print("|---" * (len(results) + 1) + "|")
    for stage in next(iter(results.values())):
        print(f"| {stage} | " + " | ".join(f"{r[stage]:.3f}" for r in results.values()) + " |")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
