"""Fills a store with made-up people; the same seed gives the same pictures."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from backend.data.frame import Frame
from backend.data.recipe import claim
from backend.data.store import StoreWriter
from backend.head import Head
from backend.process import end_with_parent
from shared.errors import AvatarError
from shared.progress import Progress

from .painter import Painter
from .person import draw_person
from .pose import draw_camera, draw_track

HEAD = "open"
_HELD_OUT = 0.1  # of the identities, for each of val and test
_PERSON, _FRAME = 0, 1  # streams of chance


@dataclass(frozen=True)
class Recipe:
    """What to make.

    Args:
        identities: People; each is one clip.
        frames: Frames of each; the first one is a calm portrait.
        size_px: Side of the pictures.
        seed: Of everything.
    """

    identities: int
    frames: int
    size_px: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("identities", 3), ("frames", 2), ("size_px", 32)):
            if getattr(self, name) < least:
                raise AvatarError(
                    "bad_request",
                    f"{name} is {getattr(self, name)}; expected at least {least}.",
                    "Ask for more.",
                )


def clip_name(identity: int) -> str:
    """Name of a person's clip."""
    return f"person_{identity:05d}"


def splits(recipe: Recipe) -> dict[str, list[str]]:
    """Clips of train, val and test; no person is in two of them."""
    held_out = max(1, round(_HELD_OUT * recipe.identities))
    names = [clip_name(i) for i in range(recipe.identities)]
    return {
        "test": names[:held_out],
        "val": names[held_out : 2 * held_out],
        "train": names[2 * held_out :],
    }


def make_frame(painter: Painter, recipe: Recipe, identity: int, index: int) -> Frame:
    """One frame of one person."""
    components = painter.head.shapedirs.shape[2]
    person = draw_person(np.random.default_rng([recipe.seed, _PERSON, identity]), components)
    rng = np.random.default_rng([recipe.seed, _FRAME, identity, index])
    track = draw_track(rng, person.betas, portrait=index == 0)
    camera = draw_camera(rng, recipe.size_px, portrait=index == 0)
    picture = painter.paint(person, track, camera)
    return Frame(
        clip=clip_name(identity),
        index=index,
        image=picture.image,
        camera=camera,
        track=track,
        box=picture.box,
        alpha=picture.alpha,
    )


def synthesise(
    path: Path, recipe: Recipe, progress: Progress, processes: int | None = None
) -> dict[str, int]:
    """Makes a store, or goes on with one that was cut short.

    Args:
        path: The store's folder.
        recipe: What to make.
        progress: Told after every frame; may cancel, and what is done stays.
        processes: Painting at once; None: one per core, 0: in this process.

    Returns:
        `frames` there are now, and how many of them were `resumed`.

    Raises:
        AvatarError: `bad_request` where a store of another recipe is there.
    """
    claim(path, dataclasses.asdict(recipe))
    wanted = [(i, f) for i in range(recipe.identities) for f in range(recipe.frames)]
    with StoreWriter(path, HEAD, recipe.size_px) as writer:
        missing = [(i, f) for i, f in wanted if not writer.has(clip_name(i), f)]
        done = resumed = len(wanted) - len(missing)
        progress("synthesise", done, len(wanted))
        for frame in _frames(recipe, missing, processes):
            writer.add(frame)
            done += 1
            progress("synthesise", done, len(wanted))
        writer.finish(splits(recipe))
    return {"frames": done, "resumed": resumed}


def _frames(
    recipe: Recipe, wanted: list[tuple[int, int]], processes: int | None
) -> Iterator[Frame]:
    if processes == 0 or not wanted:
        painter = Painter(Head.load(HEAD))
        yield from (make_frame(painter, recipe, *one) for one in wanted)
        return
    count = min(processes or os.cpu_count() or 1, len(wanted))
    with ProcessPoolExecutor(count, get_context("spawn"), _open_painter) as pool:
        try:
            yield from pool.map(_make, [recipe] * len(wanted), *zip(*wanted, strict=True))
        finally:
            pool.shutdown(cancel_futures=True)


_painter: Painter | None = None
"""One per worker process."""


def _open_painter() -> None:
    global _painter
    end_with_parent()
    torch.set_num_threads(1)
    _painter = Painter(Head.load(HEAD))


def _make(recipe: Recipe, identity: int, index: int) -> Frame:
    assert _painter is not None
    return make_frame(_painter, recipe, identity, index)
