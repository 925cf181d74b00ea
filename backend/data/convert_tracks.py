"""GAGAvatar's data into ours: its pickled tracks, or a whole folder with images and splits."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend.data import layout, lmdb_file, store_files, tracks
from backend.tracking.decode import decode
from shared.atomic import replacing
from shared.errors import AvatarError
from shared.os_errors import os_error
from shared.progress import Progress

PICKLES = ("smoothed.pkl", "optim.pkl")
"""Names of track files in GAGAvatar's folders; the smoothed one is preferred, as there."""

IMAGES, SPLIT = "img_lmdb", "dataset.json"
_COPIED_BYTES = 1 << 24


@dataclass(frozen=True)
class Sources:
    """What a store is made of.

    Args:
        tracks: optim.pkl or smoothed.pkl.
        images: LMDB folder with the frames' pictures.
        split: dataset.json, {split: [frame keys]}; None puts all clips into test.
    """

    tracks: Path
    images: Path
    split: Path | None

    @classmethod
    def of(cls, folder: Path, images: Path | None, split: Path | None) -> Sources:
        """What GAGAvatar's folder holds; `images` and `split` replace its own.

        Raises:
            AvatarError: `bad_file` where it has no tracks.
        """
        found = next((folder / name for name in PICKLES if (folder / name).is_file()), None)
        if found is None:
            raise AvatarError(
                "bad_file", f"{folder} holds no {' or '.join(PICKLES)}.", "Give the tracked folder."
            )
        if split is None and (folder / SPLIT).is_file():
            split = folder / SPLIT
        return cls(found, images or folder / IMAGES, split)


@dataclass
class Report:
    """What became of the frames.

    Args:
        frames: How many the result has.
        clips: How many clips.
        head: Name of the head.
        without_track: Keys in the split that have no track.
        without_image: Keys with a track but no picture.
        unlisted: How many tracks no split lists; left out.
    """

    frames: int
    clips: int
    head: str
    without_track: list[str] = field(default_factory=list)
    without_image: list[str] = field(default_factory=list)
    unlisted: int = 0


def convert_file(
    source: Path, out: Path, head: str, image_size: int, fps: float, progress: Progress
) -> Report:
    """Writes the tracks of a pickle as safetensors.

    Args:
        source: optim.pkl or smoothed.pkl.
        out: The file to write.
        head: Name of the head of its codes.
        image_size: Side of the pictures it was tracked on, pixels.
        fps: Frames per second of the clips.
        progress: Told after every thousand frames; may cancel.

    Raises:
        AvatarError: `bad_file`, naming the frame and key that is wrong.
    """
    records = tracks.load(source)
    arrays = _arrays(records, list(records), source, image_size, fps, progress)
    store_files.write_tracks(out, list(records), arrays, head=head, image_size=str(image_size))
    return Report(len(records), len(store_files.rows_by_clip(list(records))), head)


def convert_folder(
    sources: Sources, store: Path, head: str, fps: float, progress: Progress, link: bool
) -> Report:
    """Makes a store of GAGAvatar's data. Pictures are copied as they are, byte for byte.

    Args:
        sources: Tracks, pictures and splits.
        store: Folder to write.
        head: Name of the head of the codes.
        fps: Frames per second of the clips.
        progress: May cancel.
        link: Share the pictures' file (a hard link) instead of copying it.

    Raises:
        AvatarError: `bad_file` for damaged or contradicting files and for links that the disk
            does not take, `bad_request` for a store that is already there.
    """
    if (store / layout.META).exists():
        raise AvatarError("bad_request", f"{store} is a store already.", "Choose another folder.")
    there = lmdb_file.keys(sources.images)
    records = tracks.load(sources.tracks)
    listed = _read_split(sources.split) if sources.split else {"test": list(records)}
    wanted = [key for keys in listed.values() for key in keys]
    kept = [key for key in wanted if key in records and key in there]
    report = Report(
        frames=len(kept),
        clips=len(store_files.rows_by_clip(kept)),
        head=head,
        without_track=[key for key in wanted if key not in records],
        without_image=[key for key in wanted if key in records and key not in there],
        unlisted=len(records) - len(set(wanted) & set(records)),
    )
    if not kept:
        raise AvatarError(
            "bad_file",
            f"None of the {len(wanted)} listed frames has both a track in {sources.tracks} and a "
            f"picture in {sources.images}.",
            "Check that these files belong together.",
        )
    splits = _clips_of(listed, set(kept))
    clips = store_files.rows_by_clip(kept)
    splits = store_files.check_splits(splits, clips, "bad_file", str(sources.split))
    size = _image_size(sources.images, kept[0])
    arrays = _arrays(records, kept, sources.tracks, size, fps, progress)
    _give(sources.images / "data.mdb", store / layout.IMAGES / "data.mdb", link, progress)
    store_files.begin(store, head, size)
    store_files.write_splits(store, splits)
    store_files.write_tracks(store / layout.TRACKS, kept, arrays)
    return report


def _arrays(
    records: Mapping[str, Any],
    keys: Sequence[str],
    source: Path,
    image_size: int,
    fps: float,
    progress: Progress,
) -> dict[str, np.ndarray]:
    stacked = {n: np.empty((len(keys), *s), layout.DTYPES[n]) for n, s in layout.SHAPES.items()}
    for number, key in enumerate(keys):
        clip, index = layout.parse_key(key)
        where = f"{source}: clip {clip!r}, frame {index}"
        for name, value in tracks.row_of(records[key], where, image_size, fps).items():
            stacked[name][number] = value
        if number % 1000 == 0 or number == len(keys) - 1:
            progress("tracks", number + 1, len(keys))
    return stacked


def _read_split(path: Path) -> dict[str, list[str]]:
    """GAGAvatar's dataset.json: lists of frame keys by split."""
    found = store_files.read_json(path)
    for split, keys in found.items():
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise AvatarError(
                "bad_file",
                f"{path}: {split!r} is no list of frame keys.",
                'Expected {"train": ["000012_35", ...], ...}.',
            )
    return found


def _clips_of(listed: Mapping[str, Sequence[str]], kept: set[str]) -> dict[str, list[str]]:
    return {
        split: sorted({layout.parse_key(key)[0] for key in keys if key in kept})
        for split, keys in listed.items()
    }


def _image_size(images: Path, key: str) -> int:
    data = lmdb_file.get(images, key) or b""
    height, width = decode(data, f"{images}: {key}").rgb.shape[:2]
    if height != width:
        raise AvatarError(
            "bad_file", f"{images}: {key} is {width}x{height} pixels, not square.", "Crop it."
        )
    return height


def _give(source: Path, target: Path, link: bool, progress: Progress) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        if link:
            try:
                os.link(source, temporary)
            except OSError as error:
                told = os_error(error, target)
                raise AvatarError(
                    told.code,
                    f"{source} cannot be linked there. {told.message}",
                    "Leave --link out: the pictures are then copied.",
                ) from error
            return
        total, done = source.stat().st_size, 0
        with source.open("rb") as read, temporary.open("wb") as write:
            while block := read.read(_COPIED_BYTES):
                write.write(block)
                done += len(block)
                progress("images", done / 1e6, total / 1e6)


def report_json(report: Report) -> dict[str, Any]:
    """The report as a command prints it; long lists shortened to their number."""
    facts = dict(vars(report))
    for name in ("without_track", "without_image"):
        facts[name] = len(facts[name])
        if facts[name]:
            facts[f"{name}_for_instance"] = getattr(report, name)[:5]
    return json.loads(json.dumps(facts))
