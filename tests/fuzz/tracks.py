"""Readers of tracks: ours, other people's trackers', ARKit's weights."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path

from backend.data import tracks as gagavatar_tracks
from shared.flame import Track
from shared.tracks import read
from tests.fakes import arkit_files, tracker_files
from tests.unit.data import gagavatar_files

from .reader import Reader, Write

_MORE = {
    "EMOCA's folder": tracker_files.emoca,
    "DECA's dictionary": tracker_files.deca_dict,
    "EMOCA's frames": tracker_files.emoca_frames,
    "DECA's frames": tracker_files.deca_frames,
}


def _trackers() -> dict[str, Write]:
    motion = tracker_files.motion()
    writers = {title: tracker.write for title, tracker in tracker_files.TRACKERS.items()} | _MORE
    return {title: partial(write, m=motion) for title, write in writers.items()}


def _ours(folder: Path) -> Path:
    Track.neutral(3, head="flame2020").save(folder / "a.flame.npz")
    return folder / "a.flame.npz"


def _rows(path: Path) -> None:
    for key, record in gagavatar_tracks.load(path).items():
        gagavatar_tracks.row_of(record, f"{path}: {key}", 512, 25.0)


def _pickle(folder: Path) -> Path:
    records = {f"000001_{i}": gagavatar_files.record(i) for i in range(3)}
    return gagavatar_files.write_pickle(folder / "optim.pkl", records)


def _old_pickle(folder: Path) -> Path:
    path = folder / "smoothed.pkl"
    path.write_bytes(pickle.dumps({"1_0": gagavatar_files.record(0)}, protocol=2))
    return path


READERS = [
    Reader("flame-npz", Track.load, {"ours": _ours}),
    Reader("trackers", read, _trackers()),
    Reader("arkit", read, arkit_files.SAME),
    Reader("tracked-pickle", _rows, {"optim": _pickle, "protocol 2": _old_pickle}),
]
