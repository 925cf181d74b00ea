"""Keeps a reader's process going, counts what comes of its rounds, keeps what fails."""

from __future__ import annotations

import json
import math
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
"""How long a reader's samples may take."""


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


@dataclass
class Campaign:
    """Rounds of one reader.

    Args:
        name: The reader's.
        seed: What the damage follows from, with the reader's name and the round's number.
        keep: Folder for the files of failed rounds.
        next: Number of the next round.
        last: Number of the one after the last.
        until: `time.monotonic()` at which to stop.
        round_s: How long a round may take, on a busy machine too.
    """

    name: str
    seed: int
    keep: Path
    next: int = 0
    last: int = sys.maxsize
    until: float = math.inf
    round_s: float = 60.0

    def run(self) -> Tally:
        """All of them, in as many processes as die."""
        tally = Tally()
        while self.next < self.last and time.monotonic() < self.until:
            with tempfile.TemporaryDirectory() as folder:
                self._one_process(tally, Path(folder))
        return tally

    def _one_process(self, tally: Tally, folder: Path) -> None:
        """Rounds until the process dies or all is done."""
        process = Rounds(self.name, self.seed, self.next, folder)
        why, wait = "", START_S
        try:
            while self.next < self.last and (time.monotonic() < self.until or wait == START_S):
                process.ask()
                ended = process.next(self.round_s) if process.next(wait) else None
                if ended is None:
                    why = "its process died"
                    break
                self._count(tally, folder, ended["outcome"], ended["words"])
                wait = self.round_s
        except queue.Empty:
            why = f"takes more than {self.round_s:g} s"
        finally:
            words = process.end()
        if why and not (folder / f"round{self.next}").exists():
            raise RuntimeError(f"the reader {self.name} does not start: {words}")
        if why:
            self._count(tally, folder, FAILED, f"{why}; {words}")

    def _count(self, tally: Tally, folder: Path, outcome: str, words: str) -> None:
        """Counts a round and keeps the files of a failed one."""
        number, self.next = self.next, self.next + 1
        tally.counts[outcome] += 1
        if outcome == FAILED:
            place = self.keep / f"{self.name}-{self.seed}-{number}"
            shutil.rmtree(place, ignore_errors=True)
            shutil.move(folder / f"round{number}", place)
            again = f"--only {self.name} --seed {self.seed} --first {number} --rounds 1"
            tally.failures.append(f"{again}\nfiles: {place}\n{words}")
