"""Writes a network's pictures, with their targets and sources, as a results folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from backend.data.fits import check_data
from backend.data.frame import Frame, FrameSource
from backend.export.png import read_digest, write_png
from shared.errors import AvatarError
from shared.progress import Progress

from .network import Network, animate, picture
from .plan import Shots
from .results import SOURCES, TARGETS, TASKS


def write_results(
    network: Network,
    data: FrameSource,
    out: Path,
    plan: Mapping[str, Sequence[Shots]],
    progress: Progress,
) -> int:
    """Makes the pictures that are not there yet.

    Args:
        network: Which network; its name is the system's folder.
        data: Where the frames are read.
        out: The results folder; each task has a folder of its own in it.
        plan: What to make, by task.
        progress: Told after each picture.

    Returns:
        How many were made; whole ones of the same weights and frames are kept.

    Raises:
        AvatarError: `bad_request` when there is nothing to make, `head_mismatch`, or as
            `FrameSource.read`.
    """
    total = sum(len(shots.drivers) for task in plan.values() for shots in task)
    if total == 0:
        raise AvatarError(
            "bad_request",
            "No clip of the split has a second frame to drive its first.",
            "Choose another split with --split, or prepare clips of two frames or more.",
        )
    check_data(data, network.head, network.name, network.model.config.image_size)
    made = done = 0
    for task in TASKS:
        for shots in plan.get(task, ()):
            tell = partial(_tell, progress, done, total)
            made += _make(network, data, out / task, shots, tell)
            done += len(shots.drivers)
    return made


def _tell(progress: Progress, before: int, total: int, done: int) -> None:
    progress("draw", before + done, total)


def _make(
    network: Network, data: FrameSource, root: Path, shots: Shots, tell: Callable[[int], None]
) -> int:
    source = data.read(*shots.source)
    _keep(root / SOURCES / f"{shots.clip}.png", source)
    folder = root / network.name / shots.clip
    stamp = f"{network.digest} {_digest(source)}"
    missing = [n for n in shots.drivers if not _is_made(folder / _file(n), data, shots, n, stamp)]
    tell(len(shots.drivers) - len(missing))
    begun = len(shots.drivers) - len(missing)
    wanted = [(shots.clip, number) for number in missing]
    for count, (target, pictures) in enumerate(animate(network, data, source, wanted), begun + 1):
        _keep(root / TARGETS / shots.clip / _file(target.index), target)
        digest = f"{stamp} {_digest(target)}"
        write_png(folder / _file(target.index), picture(pictures), digest)
        tell(count)
    return len(missing)


def _file(number: int) -> str:
    return f"{number:06d}.png"


def _is_made(path: Path, data: FrameSource, shots: Shots, number: int, stamp: str) -> bool:
    found = read_digest(path)
    if not found.startswith(stamp):
        return False
    return found == f"{stamp} {_digest(data.read(shots.clip, number))}"


def _keep(path: Path, frame: Frame) -> None:
    digest = _digest(frame)
    if read_digest(path) != digest:
        write_png(path, frame.image, digest)


def _digest(frame: Frame) -> str:
    digest = hashlib.blake2b(frame.image.tobytes(), digest_size=8)
    digest.update(frame.camera.viewmat.tobytes())
    for values in frame.track.to_arrays().values():
        digest.update(values.tobytes())
    return digest.hexdigest()
