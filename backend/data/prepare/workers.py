"""Preparing clips in several processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.data.prepare.clip import ClipReport, Preparer
from backend.data.prepare.sources import Clip
from backend.data.store import StoreWriter
from backend.head import codes_of, load_head
from backend.process import end_with_parent, tune_process
from backend.tracking.crop import PORTRAIT_PX
from shared.errors import AvatarError
from shared.progress import Progress

_LOOK_S = 0.5

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Settings:
    """What a worker needs.

    Args:
        store: The folder to write.
        head: Name of the head to track with.
        every: Take every so manieth frame.
        image_size: Side of the pictures, pixels.
    """

    store: Path
    head: str
    every: int
    image_size: int = PORTRAIT_PX


def _preparer(settings: Settings) -> Preparer:
    return Preparer(load_head(settings.head), settings.every, settings.image_size)


def _writer(settings: Settings) -> StoreWriter:
    return StoreWriter(settings.store, codes_of(settings.head), settings.image_size)


def prepare_here(
    clips: Sequence[Clip],
    settings: Settings,
    done: Callable[[ClipReport], None],
    progress: Progress,
) -> None:
    """Prepares clips in this process.

    Args:
        clips: What to prepare.
        settings: How.
        done: Told of every finished clip.
        progress: Told the number of clips done, with fractions; may cancel.
    """
    with (
        _preparer(settings) as preparer,
        _writer(settings) as writer,
    ):
        for number, clip in enumerate(clips):

            def within(_: str, part: float, __: float, number: int = number) -> None:
                progress("prepare", round(number + part, 2), len(clips))

            done(preparer.prepare(clip, writer, within))
            progress("prepare", number + 1, len(clips))


def prepare_in_processes(
    clips: Sequence[Clip],
    settings: Settings,
    jobs: int,
    done: Callable[[ClipReport], None],
    progress: Progress,
) -> None:
    """`prepare_here` in `jobs` processes, which share the machine's cores.

    Raises:
        AvatarError: `cancelled`; `disk_full`; `out_of_memory` where a process died.
    """
    context = multiprocessing.get_context("spawn")
    stop, counter = context.Event(), context.Value("d", 0.0)
    with (
        _few_threads(max(1, (os.cpu_count() or 1) // jobs)),
        ProcessPoolExecutor(jobs, context, _start, (settings, stop, counter)) as pool,
    ):
        waiting = {pool.submit(_work, clip) for clip in clips}
        try:
            while waiting:
                finished, waiting = wait(waiting, _LOOK_S, FIRST_COMPLETED)
                for future in finished:
                    done(_result(future))
                progress("prepare", round(min(counter.value, len(clips)), 2), len(clips))
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _result(future: Future[ClipReport]) -> ClipReport:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise AvatarError(
            "out_of_memory",
            "A process that prepared clips ended by itself, most likely for lack of memory.",
            "Run it again with fewer --jobs: finished clips are kept.",
        ) from error


@contextlib.contextmanager
def _few_threads(count: int) -> Iterator[None]:
    """Limits the threads of processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_worker: Any = None
"""In a worker: what it keeps open from clip to clip."""


class _Worker:
    def __init__(self, settings: Settings, stop: Any, counter: Any) -> None:
        self._stop, self._counter = stop, counter
        self._preparer, self._writer = _preparer(settings), _writer(settings)

    def prepare(self, clip: Clip) -> ClipReport:
        told = 0.0

        def advance(part: float) -> None:
            nonlocal told
            with self._counter.get_lock():
                self._counter.value += part - told
            told = part

        def within(_: str, part: float, __: float) -> None:
            if self._stop.is_set():
                raise AvatarError("cancelled", "Cancelled.", "Run it again to go on.")
            advance(part)

        report = self._preparer.prepare(clip, self._writer, within)
        advance(1.0)
        return report


def _start(settings: Settings, stop: Any, counter: Any) -> None:
    global _worker
    tune_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and sets `stop`
    end_with_parent()
    _worker = _Worker(settings, stop, counter)


def _work(clip: Clip) -> ClipReport:
    return _worker.prepare(clip)
