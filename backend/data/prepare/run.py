"""A folder of videos into a store: what to do, doing it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.data import layout, store_files
from backend.data.prepare.journal import Journal
from backend.data.prepare.sources import find_clips, held_out
from backend.data.prepare.workers import (
    Settings,
    prepare_here,
    prepare_in_processes,
)
from backend.data.store import StoreWriter
from backend.head import codes_of
from shared.errors import AvatarError
from shared.progress import Progress


def prepare(
    source: Path,
    settings: Settings,
    jobs: int,
    splits: Mapping[str, Sequence[str]] | float,
    progress: Progress,
) -> dict[str, Any]:
    """Prepares all clips that are not prepared yet, and makes the store readable.

    Args:
        source: A folder of videos or folders of pictures, or one of them.
        settings: Where to, with which head, every so manieth frame.
        jobs: Number of processes.
        splits: Names of clips by split; or the share of clips for test, the others being train.
        progress: May cancel; what is done stays.

    Returns:
        Totals of clips and frames, kept and dropped.

    Raises:
        AvatarError: `no_face_found` where nothing can be used; `cancelled`, `disk_full`,
            `bad_request`, `bad_file`.

    Source: method.md 5; baseline.md, Tracking.
    """
    clips = find_clips(source)
    store_files.begin(settings.store, codes_of(settings.head), settings.image_size)
    journal = Journal(settings.store, settings.every)
    missing = [clip for clip in clips if not journal.done(clip.name)]
    try:
        if jobs == 1 or len(missing) < 2:
            prepare_here(missing, settings, journal.add, progress)
        else:
            used = min(jobs, len(missing))
            prepare_in_processes(missing, settings, used, journal.add, progress)
    finally:
        journal.write_report()
    kept = journal.kept_clips()
    if not kept:
        raise AvatarError(
            "no_face_found",
            f"None of the {len(clips)} clips of {source} gave frames.",
            f"{settings.store / 'report.csv'} says why.",
        )
    progress("finish", 0, 1)
    with StoreWriter(settings.store, codes_of(settings.head), settings.image_size) as writer:
        writer.finish(_splits(kept, splits))
    progress("finish", 1, 1)
    return {"clips_found": len(clips), "clips_prepared_now": len(missing), **journal.totals()}


def _splits(
    kept: Sequence[str], given: Mapping[str, Sequence[str]] | float
) -> dict[str, list[str]]:
    """Clips by split; of given names those that have frames (the report says why others not)."""
    if isinstance(given, Mapping):
        there = set(kept)
        return {split: [name for name in names if name in there] for split, names in given.items()}
    test = [clip for clip in kept if held_out(clip, given)]
    train = [clip for clip in kept if clip not in set(test)]
    return {name: clips for name, clips in (("train", train), ("test", test)) if clips}


def read_splits(path: Path) -> dict[str, list[str]]:
    """A user's splits: {split: [clip, ...]}.

    Raises:
        AvatarError: `bad_file`.
    """
    found = store_files.read_json(path)
    lists = all(
        isinstance(clips, list) and all(isinstance(name, str) for name in clips)
        for clips in found.values()
    )
    if not lists or not set(found) <= set(layout.SPLITS):
        raise AvatarError(
            "bad_file",
            f"{path} does not map some of {list(layout.SPLITS)} to lists of clips.",
            'Expected {"train": ["clip", ...], "test": [...]}.',
        )
    names = dict.fromkeys(name for clips in found.values() for name in clips)
    return store_files.check_splits(found, names, "bad_file", str(path))  # pyright: ignore[reportReturnType]
