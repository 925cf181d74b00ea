"""Rounds of one reader, in a process that may die: a damaged file each, and what came of it.

`python -m tests.fuzz.rounds READER SEED FIRST FOLDER` prints a line of JSON per round, before it
(`begin`) and after (`outcome`), and goes on until its standard input is closed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from random import Random
from typing import Any

from shared.errors import AvatarError

from .guard import Guard, limit_memory
from .misbehaving import MISBEHAVING
from .mutations import mutated
from .reader import Reader

VALUE, REFUSED, FAILED = "value", "refused", "failed"
_NOT_OF_A_FILE = ("internal", "out_of_memory", "cancelled", "busy")


def readers() -> dict[str, Reader]:
    """All readers by name."""
    from . import data, models, pictures, tracks

    found = [*pictures.READERS, *tracks.READERS, *models.READERS, *data.READERS]
    return {reader.name: reader for reader in found}


class Samples:
    """The valid files of a reader, in memory.

    Raises:
        AvatarError: A sample is refused, or what else its reader raises.
    """

    def __init__(self, reader: Reader, folder: Path) -> None:
        self._files: list[tuple[str, dict[str, bytes]]] = []
        for number, write in enumerate(reader.samples.values()):
            place = folder / f"sample{number}"
            place.mkdir(parents=True)
            opened = write(place) or place
            files = {
                str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()
            }
            reader.read(opened)
            self._files.append((str(opened.relative_to(place)), files))
            shutil.rmtree(place)

    def damaged(self, folder: Path, rng: Random) -> Path:
        """Writes one of them, with one or two of its files damaged; returns what to open."""
        opened, files = rng.choice(self._files)
        chosen = rng.sample(sorted(files), min(len(files), rng.choice((1, 1, 2))))
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mutated(content, rng) if name in chosen else content)
        return folder / opened


def outcome(reader: Reader, path: Path, folder: Path, guard: Guard) -> tuple[str, str]:
    """What a reader makes of a file: a kind, and words about it."""
    with guard.watching(folder) as forbidden:
        try:
            reader.read(path)
            found = VALUE, ""
        except AvatarError as error:
            found = REFUSED, _wrong_words(reader, error, folder)
        except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
            found = FAILED, traceback.format_exc(limit=-6)[-3000:]
    if forbidden:
        return FAILED, f"did what it must not: {'; '.join(forbidden[:3])}"
    return (FAILED, found[1]) if found[1] else found


def _wrong_words(reader: Reader, error: AvatarError, folder: Path) -> str:
    """What is wrong with a refusal; empty where nothing is."""
    if error.code in _NOT_OF_A_FILE:
        return f"has the code {error.code}: {error.message:.500}"
    names = [folder.name, *(path.name for path in folder.rglob("*"))]
    if reader.named and not any(name in error.message for name in names):
        return f"does not name its file: {error.message:.500}"
    return ""


def main(name: str, seed: str, first: str, where: str) -> None:
    """Rounds without end; a failed one leaves its files in FOLDER/roundN."""
    folder = Path(where)
    reader = MISBEHAVING[name] if name in MISBEHAVING else readers()[name]
    samples, guard = Samples(reader, folder / "samples"), Guard()
    limit_memory()
    number = int(first)
    while sys.stdin.readline():
        _say(begin=number)
        place = folder / f"round{number}"
        place.mkdir()
        path = samples.damaged(place, Random(f"{seed} {name} {number}"))
        kind, words = outcome(reader, path, place, guard)
        if kind != FAILED:
            shutil.rmtree(place)
        _say(outcome=kind, words=words)
        number += 1


def _say(**facts: Any) -> None:
    print(json.dumps(facts), file=_OUT, flush=True)


if __name__ == "__main__":
    # What native code prints about damaged files is not ours to read.
    _OUT = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.dont_write_bytecode = True
    main(*sys.argv[1:])
