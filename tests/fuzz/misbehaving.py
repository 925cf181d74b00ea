"""Readers that do all that a reader must not; the fuzz itself is tested with them."""

from __future__ import annotations

import ctypes
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.errors import AvatarError

from .reader import Reader, one

_SOUND = b"0123456789 sound"


def _crash(path: Path) -> None:
    ctypes.string_at(0)


def _hang(path: Path) -> None:
    threading.Event().wait()


def _write_outside(path: Path) -> None:
    (path.parents[1] / "outside").write_bytes(b"")


def _run(path: Path) -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def _take_memory(path: Path) -> None:
    bytearray(1 << 35)


def _run_a_pickle(path: Path) -> None:
    pickle.loads(b"cbuiltins\neval\n(S'fuzz_canary'\ntR.")


def _raise(path: Path) -> None:
    raise ZeroDivisionError("of no use to anybody")


def _do_not_name(path: Path) -> None:
    raise AvatarError("bad_file", "Something is wrong.", "Find out what.")


def _blame_ourselves(path: Path) -> None:
    raise AvatarError("internal", f"{path.name} is wrong.", "Find out what.")


def _if_damaged(then: Callable[[Path], Any]) -> Callable[[Path], Any]:
    return lambda path: then(path) if path.read_bytes() != _SOUND else None


_WAYS = {
    "crash": _crash, "hang": _hang, "outside": _write_outside, "run": _run,
    "memory": _take_memory, "pickle": _run_a_pickle, "raise": _raise, "unnamed": _do_not_name,
    "internal": _blame_ourselves,
}  # fmt: skip

MISBEHAVING = {
    name: Reader(name, _if_damaged(way), {"sound": one("a.bin", lambda: _SOUND)})
    for name, way in _WAYS.items()
}
