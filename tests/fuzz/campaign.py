"""Keeps a reader's process going, counts what comes of its rounds, keeps what fails."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .rounds import FAILED

ROOT = Path(__file__).resolve().parents[2]
START_S = 300.0
ROUND_S = 60.0
"""How long a round may take, on a busy machine too."""


@dataclass
class Tally:
    """What came of a reader's rounds.

    Args:
        counts: Rounds by outcome: value, refused, failed.
        failures: Words on each failure, and where its files are kept.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def line(self, name: str) -> str:
        """One line of a report."""
        rounds = sum(self.counts.values())
        parts = ", ".join(f"{self.counts[k]} {k}" for k in ("value", "refused", FAILED))
        return f"{name:18} {rounds:7} rounds: {parts}"


class Rounds:
    """One process; its lines come through a queue, so that waiting can end."""

    def __init__(self, name: str, seed: int, first: int, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.fuzz.rounds", name, str(seed), str(first)]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [*command, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def ask(self) -> None:
        """Lets it do one more round."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # it is dead, which the next line tells
            return

    def next(self, seconds: float) -> dict[str, Any] | None:
        """Its next line; None when it died.

        Raises:
            queue.Empty: None came in time.
        """
        line = self._lines.get(timeout=seconds)
        return json.loads(line) if line else None

    def end(self) -> str:
        """Ends it; its exit code and last words."""
        self._process.kill()
        code = self._process.wait()
        self._reading.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with self._ignoring_a_broken_pipe():
                pipe.close()
        self._errors.seek(0)
        words = self._errors.read()[-2000:].decode(errors="replace")
        self._errors.close()
        return f"exit code {code}\n{words}"

    @staticmethod
    @contextmanager
    def _ignoring_a_broken_pipe() -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            return


def fuzz(name: str, seed: int, first: int, rounds: int | None, until: float, keep: Path) -> Tally:
    """Rounds of one reader.

    Args:
        name: The reader's.
        seed: What the damage follows from, with the reader's name and the round's number.
        first: Number of the first round.
        rounds: How many; None: as many as there is time for.
        until: `time.monotonic()` at which to stop.
        keep: Folder for the files of failed rounds.
    """
    tally, number = Tally(), first
    last = first + rounds if rounds is not None else sys.maxsize
    while number < last and time.monotonic() < until:
        with tempfile.TemporaryDirectory() as folder:
            number = _one_process(tally, Path(folder), (name, seed, number, last), until, keep)
    return tally


def _one_process(
    tally: Tally, folder: Path, what: tuple[str, int, int, int], until: float, keep: Path
) -> int:
    """Rounds until the process dies or all is done; the number of the next round."""
    name, seed, number, last = what
    process = Rounds(name, seed, number, folder)
    begun, wait, died = number, START_S, False
    try:
        while number < last and (time.monotonic() < until or number == begun):
            process.ask()
            begin, ended = process.next(wait), None
            if begin is not None:
                ended = process.next(ROUND_S)
            if begin is None or ended is None:
                died = True
                break
            tally.counts[ended["outcome"]] += 1
            if ended["outcome"] == FAILED:
                _keep(tally, folder, keep, (name, seed, number), ended["words"])
            number, wait = number + 1, ROUND_S
    except queue.Empty:
        words = process.end()
        return _lost(tally, folder, keep, (name, seed, number), f"takes too long; {words}")
    words = process.end()
    if died:
        return _lost(tally, folder, keep, (name, seed, number), f"its process died; {words}")
    return number


def _lost(tally: Tally, folder: Path, keep: Path, which: tuple[str, int, int], words: str) -> int:
    """A round after which there is no process; the number of the next."""
    if not (folder / str(which[2])).exists():
        raise RuntimeError(f"the reader {which[0]} does not start: {words}")
    tally.counts[FAILED] += 1
    _keep(tally, folder, keep, which, words)
    return which[2] + 1


def _keep(tally: Tally, folder: Path, keep: Path, which: tuple[str, int, int], words: str) -> None:
    name, seed, number = which
    place = keep / f"{name}-{seed}-{number}"
    shutil.rmtree(place, ignore_errors=True)
    shutil.move(folder / str(number), place)
    again = f"--only {name} --seed {seed} --first {number} --rounds 1"
    tally.failures.append(f"{again}\nfiles: {place}\n{words}")
