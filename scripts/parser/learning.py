"""Learns the parser's decoder from what is sure of portraits' parts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.model.part_decoder import PARTS, PartDecoder

from .samples import Sample
from .seeds import UNKNOWN

STEPS = 300
"""More change nothing: the loss is flat from 250 on, and seeds are what there is to learn."""

_BATCH = 8
_RATE, _DECAY, _WARM_UP = 2e-3, 1e-3, 50
_LEAST_PX = 50  # of a part in a sample, to count


def learned(samples: Sequence[Sample]) -> PartDecoder:
    """The decoder after `STEPS` steps of Adam on the known pixels' cross-entropy.

    Args:
        samples: Of many people; the same ones in the same order give the same weights.
    """
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    decoder = PartDecoder()
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=_RATE, weight_decay=_DECAY)
    for step in range(STEPS):
        warm = min(1.0, (step + 1) / _WARM_UP)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * warm * (0.5 + 0.5 * math.cos(math.pi * step / STEPS))
        batch = [samples[n] for n in generator.integers(0, len(samples), _BATCH)]
        loss = _loss(decoder, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 24:
            print(f"step {step + 1} of {STEPS}: {loss.item():.4f}", flush=True)
    return decoder.eval()


def _loss(decoder: PartDecoder, batch: Sequence[Sample]) -> Tensor:
    """Cross-entropy of what is known, a rare part's pixels weighing more than a large one's."""
    maps = [torch.stack(level).float() for level in zip(*(sample.maps for sample in batch))]
    colours = torch.stack([sample.colours for sample in batch]).float()
    known = torch.stack([sample.seeds for sample in batch]).long()
    logits = decoder(maps, colours)
    counts = F.one_hot(known, len(PARTS) + 1).sum((1, 2))  # [B, unknown and parts]
    weights = torch.where(counts > _LEAST_PX, counts.clamp_min(1).float().rsqrt(), 0.0)
    weights[:, UNKNOWN] = 0
    pixels = weights.gather(1, known.flatten(1)).view_as(colours[:, 0])
    wrong = F.cross_entropy(logits, (known - 1).clamp_min(0), reduction="none")
    return (wrong * pixels).sum() / pixels.sum()
