"""Portraits as the parser sees them, turned, tinted and with what is known of their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.head import load_head
from backend.lifting.parts import PARSED_PX
from backend.lifting.view import View
from backend.model.encoder import EfficientNetLite0
from backend.tracking.portrait import Tracker
from scripts.portraits import read_each
from shared.progress import silent

from .seeds import UNKNOWN, seeds

_VARIANTS = 3  # the first is the portrait itself
_MOVED_PX, _TURNED_DEG, _SIZES = 30.0, 14.0, (0.7, 1.15)


@dataclass(frozen=True)
class Sample:
    """One picture; float16, so that a thousand fit into memory.

    Args:
        maps: The encoder's, [c, h, w], coarse to fine.
        colours: [3, 256, 256] display sRGB.
        seeds: [256, 256] uint8, see `seeds`.
    """

    maps: tuple[Tensor, ...]
    colours: Tensor
    seeds: Tensor


def samples(pictures: Sequence[Path]) -> list[Sample]:
    """Some variants of every portrait; those that cannot be tracked are told and left out."""
    head, encoder = load_head("open"), EfficientNetLite0(PARSED_PX)
    found = []
    with Tracker(head) as tracker:
        read = partial(tracker.portrait, face=None, progress=silent)
        for number, (_, portrait) in enumerate(read_each(pictures, read)):
            known = seeds(View(portrait, head))
            generator = np.random.default_rng(number)
            for rgb, sure in _variants(portrait.matted.astype(np.float32), known, generator):
                found.append(_sample(rgb, sure, encoder))
    return found


def _variants(
    rgb: np.ndarray, known: np.ndarray, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A picture [512, 512, 3] on black and its seeds [512, 512]; as they are, then changed."""
    yield rgb, known
    size = rgb.shape[1::-1]
    for _ in range(_VARIANTS - 1):
        middle = PARSED_PX / 2 + generator.uniform(-_MOVED_PX, _MOVED_PX, 2)
        turn = generator.uniform(-_TURNED_DEG, _TURNED_DEG)
        matrix = cv2.getRotationMatrix2D(middle.tolist(), turn, generator.uniform(*_SIZES))
        matrix[:, 2] += generator.uniform(-_MOVED_PX, _MOVED_PX, 2)
        flip = slice(None, None, generator.choice([-1, 1]))
        moved = cv2.warpAffine(rgb, matrix, size)[:, flip]
        sure = cv2.warpAffine(known, matrix, size, flags=cv2.INTER_NEAREST, borderValue=UNKNOWN)[
            :, flip
        ]
        yield _tinted(moved, generator), sure


def _tinted(rgb: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A picture in another light: contrast, colour of the light, brightness, saturation."""
    tinted = np.clip(rgb, 0, 1) ** generator.uniform(0.55, 1.7)
    tinted *= generator.uniform(0.75, 1.2, 3) * generator.uniform(0.7, 1.2)
    grey = tinted.mean(-1, keepdims=True)
    tinted = grey + (tinted - grey) * generator.uniform(0.4, 1.3)
    return np.clip(tinted, 0, 1).astype(np.float32)


def _sample(rgb: np.ndarray, sure: np.ndarray, encoder: EfficientNetLite0) -> Sample:
    image = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].contiguous()
    maps = encoder(image).maps
    return Sample(
        tuple(level[0].half() for level in maps),
        F.avg_pool2d(image, 2)[0].half(),
        torch.from_numpy(np.ascontiguousarray(sure[1::2, 1::2])),
    )
