"""Round trips as a store that the network learns from: every clip is one, its source first.

    NAME-1, NAME-2, ...  a picture of the avatar, then the photograph: faults are in sources only
    NAME-0               the photograph twice, to train with only: its own picture stays what it is

Source: face-findings.md, Round trips.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.avatar.pipeline import Pipeline
from backend.avatar.weights import UNTRAINED
from backend.data.frame import Frame
from backend.data.held_out import HELD_OUT, learned
from backend.data.recipe import claim
from backend.data.store import StoreWriter
from backend.process import end_with_parent
from backend.tracking.pictures import picture_files
from shared.errors import AvatarError
from shared.progress import Progress

from .views import views_of

PRESET, HEAD = "open", "open"
_OWN = 0
_SOURCE, _TARGET = 0, 1


@dataclass(frozen=True)
class StoreRecipe:
    """What to make of the photographs.

    Args:
        count: Round trips of each.
        size_px: Side of the frames.
        people: So many to learn from, and as large a share of those held out; None: all.
        seed: Of poses and expressions.
    """

    count: int = 2
    size_px: int = 256
    people: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("count", 1), ("size_px", 32), ("people", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise AvatarError(
                    "bad_request",
                    f"{name} is {value}; expected at least {least}.",
                    "Ask for more.",
                )


def make_store(
    folder: Path, out: Path, recipe: StoreRecipe, progress: Progress, processes: int | None = None
) -> dict[str, Any]:
    """Makes a store, or goes on with one that was cut short.

    Args:
        folder: Photographs, one person each. Every tenth is the split `test`, of the others every
            tenth is `val`.
        out: The store's folder.
        recipe: What to make.
        progress: Told after every person; may cancel, and what is done stays.
        processes: At once; None: one per core, 0: in this process.

    Returns:
        `people` and `frames` there are now; `refused`, a reason by file name.

    Raises:
        AvatarError: `bad_request` for too few pictures, or where another recipe's store is.
    """
    parts = _parts(folder, recipe.people)
    claim(out, asdict(recipe))
    files = [file for part in parts.values() for file in part]
    refused: dict[str, str] = {}
    with StoreWriter(out, HEAD, recipe.size_px) as writer:
        last = {file: clip_name(file.stem, recipe.count) for file in files}
        missing = [file for file in files if not writer.has(last[file], _TARGET)]
        done = len(files) - len(missing)
        progress("round trips", done, len(files))
        for file, made in zip(missing, _made(missing, recipe, processes), strict=True):
            if isinstance(made, str):
                refused[file.name] = made
            else:
                for frame in _clips(file.stem, made):
                    writer.add(frame)
            done += 1
            progress("round trips", done, len(files))
        names = {
            split: [
                clip_name(file.stem, number)
                for file in part
                if file.name not in refused
                for number in range(_OWN if split == "train" else _OWN + 1, recipe.count + 1)
            ]
            for split, part in parts.items()
        }
        writer.finish({split: clips for split, clips in names.items() if clips})
    people = len(files) - len(refused)
    return {"people": people, "frames": 2 * (recipe.count + 1) * people, "refused": refused}


def clip_name(person: str, number: int) -> str:
    """Name of a person's round trip from 1, or of the photograph's own clip, 0."""
    return f"{person}-{number}"


def _parts(folder: Path, people: int | None) -> dict[str, list[Path]]:
    """The photographs of every split; no person is in two."""
    files = picture_files(folder)
    to_learn, held_out = learned(files), files[::HELD_OUT]
    if len(to_learn) < 2:
        raise AvatarError(
            "bad_request",
            f"{folder} holds {len(to_learn)} pictures that may be learned from (every tenth is "
            "left out); expected 2 or more.",
            "Give a folder of three or more photographs.",
        )
    if people is not None:
        share = min(people / len(to_learn), 1.0)
        to_learn = _spread(to_learn, people)
        held_out = _spread(held_out, max(1, round(share * len(held_out))))
    return {
        "train": [file for number, file in enumerate(to_learn) if number % HELD_OUT],
        "val": to_learn[::HELD_OUT],
        "test": held_out,
    }


def _spread(files: Sequence[Path], count: int) -> list[Path]:
    """So many of the files, evenly apart."""
    if count >= len(files):
        return list(files)
    return [files[number * len(files) // count] for number in range(count)]


def _clips(person: str, frames: Sequence[Frame]) -> Iterator[Frame]:
    """The frames of every clip of a person; the whole person's last is the last."""
    photograph = frames[0]
    for number, source in enumerate(frames):
        clip = clip_name(person, number)
        yield replace(source, clip=clip, index=_SOURCE)
        yield replace(photograph, clip=clip, index=_TARGET)


def _made(
    files: Sequence[Path], recipe: StoreRecipe, processes: int | None
) -> Iterator[list[Frame] | str]:
    """The photograph and its avatar's pictures of every file, or why it cannot be used."""
    if processes == 0 or not files:
        pipeline = Pipeline(PRESET, device="cpu", weights=UNTRAINED)
        yield from (_views(pipeline, recipe, file) for file in files)
        return
    count = min(processes or os.cpu_count() or 1, len(files))
    with ProcessPoolExecutor(count, get_context("spawn"), _open_worker, (recipe,)) as pool:
        try:
            yield from pool.map(_work, files)
        finally:
            pool.shutdown(cancel_futures=True)


_worker: tuple[Pipeline, StoreRecipe] | None = None
"""One per worker process."""


def _open_worker(recipe: StoreRecipe) -> None:
    global _worker
    end_with_parent()
    torch.set_num_threads(1)
    _worker = Pipeline(PRESET, device="cpu", weights=UNTRAINED), recipe


def _work(file: Path) -> list[Frame] | str:
    assert _worker is not None
    return _views(*_worker, file)


def _views(pipeline: Pipeline, recipe: StoreRecipe, file: Path) -> list[Frame] | str:
    chance = np.random.default_rng([recipe.seed, *file.stem.encode()])
    try:
        return views_of(pipeline, file.read_bytes(), chance, recipe.count, recipe.size_px)
    except AvatarError as error:
        return error.message
