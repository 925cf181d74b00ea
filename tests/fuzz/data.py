"""Readers of data stores, splits, jobs, point clouds, scores' inputs and messages."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import scipy.io
import torch

from backend.data import convert_tracks
from backend.data.prepare.clip import ClipReport
from backend.data.prepare.journal import Journal
from backend.data.prepare.run import read_splits
from backend.data.protocols import hdtf
from backend.data.store import Store, StoreWriter
from backend.evaluation.metrics import precomputed
from backend.evaluation.metrics.shot import Shot
from backend.evaluation.scores import Key, Score, ScoreFile
from backend.export.ply import read_digest, read_ply, write_ply
from backend.rendering import job
from backend.splat.gaussians import Gaussians
from backend.training.log import read_lines
from shared import packing, wire
from shared.camera import Camera, portrait_intrinsics
from shared.connection import Connection
from shared.flame import Track
from shared.messages import EVENTS, REQUESTS
from shared.progress import silent
from shared.version import PROTOCOL, VERSION
from tests.unit.data import gagavatar_files, stores
from tests.unit.shared.test_packing import EXAMPLES

from .reader import Reader, Write, one

_CAMERA = Camera(np.diag([1.0, -1, -1, 1]), portrait_intrinsics(64), 64, 48)


def _store(folder: Path) -> Path:
    return stores.write(folder / "store", stores.FRAMES[:3])


def _all_frames(path: Path) -> None:
    store = Store(path)
    for split in store.splits():
        for clip in store.clips(split):
            for index in store.frames(clip):
                store.read(clip, index)


def _unfinished(folder: Path) -> Path:
    """A store as a stopped preparation leaves it."""
    with StoreWriter(folder / "store", "open", stores.SIZE) as writer:
        for frame in stores.FRAMES[:3]:
            writer.add(frame)
    return folder / "store"


def _written_on(path: Path) -> None:
    with StoreWriter(path, "open", stores.SIZE) as writer:
        for frame in stores.FRAMES:
            writer.add(frame)


def _gagavatar(folder: Path) -> Path:
    keys = ["000002_5", "000002_0", "000001_35"]
    split = {"train": keys[:2], "test": keys[2:]}
    return gagavatar_files.write_folder(folder / "data", keys, split)


def _convert(path: Path) -> None:
    sources = convert_tracks.Sources.of(path, None, None)
    convert_tracks.convert_folder(sources, path / "made", "flame2020", 25.0, silent, link=False)


def _job(folder: Path) -> None:
    Track.neutral(2).save(folder / "track.flame.npz")
    job.write_cameras(folder / "cameras.json", [_CAMERA])
    content = {
        "avatar": "me.savatar", "track": "track.flame.npz", "cameras": "cameras.json",
        "first_frame": 1, "name": "n", "mp4": True, "background": [0, 0.5, 1], "ablate": ["gsn"],
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(content))


def _cameras(folder: Path) -> Path:
    job.write_cameras(folder / "cameras.json", [_CAMERA] * 2)
    return folder / "cameras.json"


def _ply(folder: Path, sh: int) -> Path:
    cloud = Gaussians(
        means=torch.zeros(4, 3),
        quats=torch.tensor([[1.0, 0, 0, 0]]).repeat(4, 1),
        scales=torch.full((4, 3), 0.01),
        opacities=torch.ones(4),
        features=torch.rand(4, 3),
    )
    write_ply(folder / "a.ply", cloud, digest="d", sh=sh)
    return folder / "a.ply"


def _found_in_a_picture(folder: Path) -> None:
    """What other programs found in the picture system/clip/1.png."""
    for name in (precomputed.DEEP3D, precomputed.LANDMARKS):
        (folder / name / "system" / "clip").mkdir(parents=True)
    values = {"exp": np.zeros((1, 64)), "angle": np.zeros((1, 3))}
    scipy.io.savemat(folder / precomputed.DEEP3D / "system" / "clip" / "1.mat", values)
    np.save(folder / precomputed.LANDMARKS / "system" / "clip" / "1.npy", np.zeros((68, 2)))


def _described(path: Path) -> None:
    picture = path / "system" / "clip" / "1.png"
    shot = Shot(np.zeros((8, 8, 3), np.uint8), picture, path)
    for metric in (precomputed.Aed, precomputed.Apd, precomputed.Akd):
        metric(path).describe(shot)


def _prepared(folder: Path) -> None:
    journal = Journal(folder, 1)
    journal.add(ClipReport("a", "a.mp4", 3, 2, {"no face": [1]}))
    journal.add(ClipReport("b", "b.mp4", error="none"))


def _scored(folder: Path) -> Path:
    file = ScoreFile(folder / "scores.jsonl")
    for frame in ("1", "2"):
        file.add(Score(Key("self", "system", "clip", frame), "d", {"psnr": 20.5, "aed": None}))
    return folder / "scores.jsonl"


def _report(path: Path) -> None:
    Journal(path, 1).write_report()


def _json(name: str, content: object) -> Write:
    return one(name, lambda: json.dumps(content).encode())


def _message(number: int) -> Write:
    """The frames of a message, a file each."""

    def write(folder: Path) -> None:
        example = EXAMPLES[number]
        body, arrays = packing.pack(example)
        kind = example.WIRE or "reply"
        sent = wire.encode(wire.Envelope(kind, body, arrays, id="1"))
        for place, frame in enumerate(sent):
            (folder / f"{place:02d}").write_bytes(bytes(frame))

    return write


def _received(path: Path) -> None:
    envelope = wire.decode([frame.read_bytes() for frame in sorted(path.iterdir())])
    kinds = {**REQUESTS, **EVENTS, **{f"{n}.ok": cls.REPLY for n, cls in REQUESTS.items()}}
    kind = kinds.get(envelope.type)
    if kind is not None:
        packing.unpack(kind, envelope.body, envelope.arrays)


_SPLIT = {"train": ["a", "b"], "test": ["c"]}
_CONNECTION = {
    "work": "tcp://127.0.0.1:1", "control": "tcp://127.0.0.1:2", "events": "tcp://127.0.0.1:3",
    "server_key": "k" * 40, "client_public": "k" * 40, "client_secret": "k" * 40,
    "pid": os.getpid(), "device": "cpu", "protocol": PROTOCOL, "version": VERSION,
}  # fmt: skip

READERS = [
    Reader("store", _all_frames, {"small": _store}, named=False),
    Reader("gagavatar-folder", _convert, {"small": _gagavatar}, named=False),
    Reader("store-writer", _written_on, {"small": _unfinished}, named=False),
    Reader("splits", read_splits, {"json": _json("split.json", _SPLIT)}),
    Reader(
        "clip-list",
        hdtf,
        {"json": _json("c.json", ["a", "b"]), "text": one("c.txt", lambda: b"a\nb\n")},
    ),
    Reader("job", job.read_job, {"whole": _job}),
    Reader("cameras", job.read_cameras, {"two": _cameras}),
    Reader(
        "ply",
        lambda path: (read_digest(path), read_ply(path)),
        {"plain": partial(_ply, sh=0), "degree 3": partial(_ply, sh=3)},
    ),
    Reader("precomputed", _described, {"three": _found_in_a_picture}),
    Reader("journal", _report, {"two clips": _prepared}, named=False),
    Reader("scores", ScoreFile, {"two": _scored}),
    Reader("metrics", read_lines, {"two": one("metrics.jsonl", lambda: b'{"step": 1}\n' * 2)}),
    Reader("connection", Connection.load, {"json": _json("backend.json", _CONNECTION)}, False),
    Reader("message", _received, {str(n): _message(n) for n in range(len(EXAMPLES))}, False),
]
