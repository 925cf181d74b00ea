"""LMDB folders: read so that a damaged file is an error and not a crash (`lmdb_pages`), written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import lmdb

from backend.data import lmdb_pages
from shared.errors import AvatarError
from shared.os_errors import os_error

_Result = TypeVar("_Result")
_ROOM = 1 << 20
"""Bytes; a disk with less is full."""


def get(folder: Path, key: str) -> bytes | None:
    """The value of a key, or None.

    Raises:
        AvatarError: `bad_file` where the file is missing or damaged.
    """
    with lmdb_pages.opened(folder) as pages:
        return pages.find(pages.values, key.encode())


def keys(folder: Path) -> set[str]:
    """All keys.

    Raises:
        AvatarError: `bad_file` where the file is missing or damaged.
    """
    with lmdb_pages.opened(folder) as pages:
        return {node.key.decode(errors="replace") for node in pages.entries(pages.values)}


class Writer:
    """An LMDB that grows as it is written. Every `put` is on disk when it returns.

    Several processes may write and read at once, each with a writer of its own. LMDB itself sees
    only pages that were looked at before: those of the free list, and those that a key leads to.

    Args:
        folder: Made where missing.

    Raises:
        AvatarError: `bad_file` where there is one that is damaged, or none can be made.
    """

    _START_BYTES = 1 << 24

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / lmdb_pages.FILE
        length = file.stat().st_size if file.exists() else 0
        if length:  # else it is new, or another process is just making it
            with lmdb_pages.opened(folder):
                pass
        size = max(self._START_BYTES, 2 * length)
        try:
            self._environment = lmdb.open(str(folder), map_size=size, readahead=False)
        except (lmdb.Error, OSError) as error:
            raise _unwritten(error, folder) from error
        try:
            self._run(self._check_free, write=True)  # while no other process writes
        except BaseException:
            self._environment.close()
            raise

    def _check_free(self, _: lmdb.Transaction) -> None:
        with lmdb_pages.opened(self._folder) as pages:
            pages.check_free()

    def put(self, key: str, value: bytes) -> None:
        """Stores a value.

        Raises:
            AvatarError: `disk_full`; `bad_file` where it cannot be written, or was damaged.
        """

        def put(transaction: lmdb.Transaction) -> None:
            get(self._folder, key)
            transaction.put(key.encode(), value)

        self._run(put, write=True)

    def get(self, key: str) -> bytes | None:
        """The value of a key, or None."""
        return self._run(lambda _: get(self._folder, key))

    def keys(self) -> set[str]:
        """All keys."""
        return self._run(lambda _: keys(self._folder))

    def _run(self, call: Callable[[lmdb.Transaction], _Result], write: bool = False) -> _Result:
        """Runs something while no process uses again what the pages of now are."""
        while True:
            try:
                with self._environment.begin(write=write) as transaction:
                    return call(transaction)
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])
            except lmdb.MapResizedError:  # another process made it grow
                self._environment.set_mapsize(0)
            except (lmdb.Error, OSError) as error:
                raise _unwritten(error, self._folder) from error

    def close(self) -> None:
        """Releases the file."""
        self._environment.close()


def _unwritten(error: lmdb.Error | OSError, folder: Path) -> AvatarError:
    """LMDB's errors carry the system's words, and no number; half a page is an I/O error to it."""
    full = isinstance(error, lmdb.DiskError) or shutil.disk_usage(folder).free < _ROOM
    if full and not isinstance(error, OSError):
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if isinstance(error, OSError):
        return os_error(error, folder)
    return AvatarError(
        "bad_file",
        f"{folder} cannot be written as an LMDB ({error}).",
        "Check that the folder may be written, or prepare it again in another one.",
    )
