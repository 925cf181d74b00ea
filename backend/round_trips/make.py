"""Round trips of a folder of photographs; what is there stays."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.avatar.create import CreateOptions
from backend.avatar.pipeline import Pipeline
from backend.avatar.weights import UNTRAINED
from backend.data.held_out import judged, learned
from backend.data.retouch_sample import SUFFIX, write_sample
from backend.process import end_with_parent
from backend.tracking.pictures import picture_files
from shared.errors import AvatarError
from shared.progress import Progress

from .trip import trips_of


@dataclass(frozen=True)
class TripRecipe:
    """What to make of every photograph.

    Args:
        preset: Of the avatars.
        count: Round trips of each.
        kept: Expressions of each that are to stay as they are drawn.
        iterations: Steps of personalisation of every avatar: its pictures from another pose are
            the same without to 38 dB, where round trips miss photographs by 25.
        seed: Of poses and expressions.
        held_out: Of every tenth photograph, to judge with, in place of all others.
    """

    preset: str = "open"
    count: int = 2
    kept: int = 2
    iterations: int = 0
    seed: int = 0
    held_out: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise AvatarError(
                "bad_request",
                f"{self.count} round trips of each photograph were asked for; expected 1 or more.",
                "Ask for more.",
            )


def make_trips(
    folder: Path, out: Path, recipe: TripRecipe, progress: Progress, processes: int | None = None
) -> dict[str, Any]:
    """Makes the samples that are missing, several people at once.

    Args:
        folder: Photographs, one person each.
        out: Folder of the samples.
        recipe: What to make.
        progress: Told after every person; may cancel.
        processes: At once; None: one per core.

    Returns:
        `people`, how many there are now; `refused`, a reason by file name.

    Raises:
        AvatarError: `bad_request` without pictures that may be learned from.
    """
    files = (judged if recipe.held_out else learned)(picture_files(folder))
    if not files:
        raise AvatarError(
            "bad_request",
            f"{folder} holds no pictures that may be learned from (every tenth is left out).",
            "Give a folder of two or more photographs.",
        )
    out.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not _sample(out, file, recipe.count).is_file()]
    refused: dict[str, str] = {}
    done = len(files) - len(missing)
    progress("round trips", done, len(files))
    count = min(processes or os.cpu_count() or 1, max(len(missing), 1))
    with ProcessPoolExecutor(count, get_context("spawn"), _open_worker, (recipe, out)) as pool:
        try:
            for file, reason in zip(missing, pool.map(_work, missing), strict=True):
                done += 1
                if reason is not None:
                    refused[file.name] = reason
                progress("round trips", done, len(files))
        finally:
            pool.shutdown(cancel_futures=True)
    return {"people": len(files) - len(refused), "refused": refused}


def _sample(out: Path, file: Path, number: int | str) -> Path:
    return out / f"{file.stem}_{number}{SUFFIX}"


_worker: tuple[Pipeline, TripRecipe, Path] | None = None
"""One per worker process."""


def _open_worker(recipe: TripRecipe, out: Path) -> None:
    global _worker
    end_with_parent()
    torch.set_num_threads(1)
    _worker = Pipeline(recipe.preset, device="cpu", weights=UNTRAINED), recipe, out


def _work(file: Path) -> str | None:
    """Makes one person's samples, the last of which says that they are whole; a reason where the
    photograph cannot be used."""
    assert _worker is not None
    pipeline, recipe, out = _worker
    chance = np.random.default_rng([recipe.seed, *file.stem.encode()])
    options = CreateOptions(iterations=recipe.iterations)
    try:
        samples = trips_of(pipeline, file.read_bytes(), chance, recipe.count, recipe.kept, options)
    except AvatarError as error:
        return error.message
    for number, sample in samples.items():
        write_sample(_sample(out, file, number), sample)
    return None
