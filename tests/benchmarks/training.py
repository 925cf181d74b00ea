"""What a training step costs, stage by stage, in seconds of processor time of one thread.

    python tests/benchmarks/training.py small open --json training.json

Processor time, not time on the clock: what else runs on the machine disturbs it little.
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
from tests.fakes.drawn_clips import DrawnClips, open_head

PAIRS = 4
RASTER = "(rasterising, both ways: part of other rows)"


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def term_seconds(drawn: Any, batch: Any, size: int) -> dict[str, float]:
    """Of every term alone, forward; the perceptual one by the embedded network."""
    costs = {}
    for term in TERMS:
        only: dict[str, Any] = {name: float(name == term) for name in TERMS}
        network = perceptual_network("effnet", size) if term == "perceptual" else None
        loss = TrainingLoss(LossWeights(**only), network)
        costs[f"loss: {term}"], _ = seconds(
            lambda loss=loss: loss(drawn, batch.target_images, batch.vertices, batch.boxes)
        )
    return costs


def measure(preset: str) -> dict[str, float]:
    """Stages of one step of a preset with four pairs, without portraits' starts."""
    settings = load_settings(preset)
    size = settings.model.image_size
    data, head = DrawnClips(size), open_head()
    pairs = [Pair(data.read("red", 0), data.read("red", 10 * (i + 1))) for i in range(PAIRS)]
    model = SplitAvatar(settings.model, head).train()
    optimiser = adam(model, settings.train)
    loss = TrainingLoss(LossWeights(), perceptual_network("effnet", size))

    def step() -> dict[str, float]:
        costs: dict[str, float] = {}
        costs["batch"], batch = seconds(lambda: collate(pairs, head))
        costs["encoder"], _ = seconds(lambda: model.encoder(batch.source_images))
        forwards, drawn = seconds(lambda: forward(model, batch, mask_gradient=True))
        costs["network and drawing, forward"] = forwards - costs["encoder"]
        costs[RASTER] = raster_seconds(drawn, batch.target_cameras)
        costs.update(term_seconds(drawn, batch, size))
        terms = loss(drawn, batch.target_images, batch.vertices, batch.boxes)
        costs["everything, backward"], _ = seconds(terms["total"].backward)
        costs["Adam"], _ = seconds(optimiser.step)
        optimiser.zero_grad()
        return costs

    step()
    costs = step()
    return {**costs, "step": sum(costs.values()) - costs[RASTER]}


def raster_seconds(drawn: Pictures, cameras: Sequence[Camera]) -> float:
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
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = {preset: measure(preset) for preset in args.presets}
    print(f"| processor seconds, {PAIRS} pairs | " + " | ".join(results) + " |")
    print("|---" * (len(results) + 1) + "|")
    for stage in next(iter(results.values())):
        print(f"| {stage} | " + " | ".join(f"{r[stage]:.2f}" for r in results.values()) + " |")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
