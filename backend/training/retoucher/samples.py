"""All samples of a folder in memory, and whose they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.data.held_out import learned
from backend.data.retouch_sample import KEPT_MARK, OWN_NUMBER, SUFFIX, read_sample
from shared.errors import AvatarError

OWN, TRIP, KEPT = range(3)
"""Kinds of samples: a photograph's own picture; what went round; what is to stay as drawn."""


@dataclass(frozen=True)
class Samples:
    """N pictures as avatars showed them, and what they should have been.

    Args:
        drawn: [N, PLANES, S, S] uint8: picture, clues.
        target: [N, 4, S, S] uint8: the photograph on black, and its matte.
        kinds: [N] which of `OWN`, `TRIP`, `KEPT` each is.
    """

    drawn: Tensor
    target: Tensor
    kinds: Tensor

    def __len__(self) -> int:
        return len(self.drawn)

    def select(self, which: Tensor) -> Samples:
        """Those that a mask or indices pick."""
        return Samples(self.drawn[which], self.target[which], self.kinds[which])

    def to(self, device: torch.device) -> Samples:
        """The same samples on a device."""
        return Samples(self.drawn.to(device), self.target.to(device), self.kinds.to(device))


def read_samples(folder: Path) -> tuple[Samples, Samples]:
    """The samples to learn from, and those of every tenth person, to look at while learning.

    Args:
        folder: What `make_trips` filled.

    Raises:
        AvatarError: `bad_request` for a folder with fewer than two people, `bad_file` for a file
            that is no sample.
    """
    files = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    people = sorted({_person(file) for file in files})
    if len(people) < 2:
        raise AvatarError(
            "bad_request",
            f"{folder} holds samples of {len(people)} people; at least 2 are needed.",
            "Make them: python -m backend synthesise --from-portraits FOLDER --out FOLDER.",
        )
    with ThreadPoolExecutor() as pool:
        read = list(pool.map(read_sample, files))

    def of(names: list[str]) -> Samples:
        own = [(s, file) for s, file in zip(read, files, strict=True) if _person(file) in names]
        return Samples(
            _stacked([sample.drawn for sample, _ in own]),
            _stacked([sample.target for sample, _ in own]),
            torch.tensor([kind_of(file) for _, file in own]),
        )

    learn = learned(people)
    return of(learn), of([name for name in people if name not in learn])


def _person(file: Path) -> str:
    return file.stem.rpartition("_")[0]


def kind_of(file: Path) -> int:
    """Which kind of sample a file is."""
    number = file.stem.rpartition("_")[2]
    if number.startswith(KEPT_MARK):
        return KEPT
    return OWN if number == OWN_NUMBER else TRIP


def _stacked(planes: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(planes).transpose(0, 3, 1, 2).copy())
