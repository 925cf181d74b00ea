"""LMDB folders, opened so that a damaged file is an error and not a crash.

LMDB maps its file into memory. Where the file ends early, touching the missing pages kills the
process (SIGBUS), so the length that the file itself states is compared before anything is mapped.
"""

from __future__ import annotations

import os
import struct
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import lmdb

from shared.errors import AvatarError

_Result = TypeVar("_Result")
_FILE = "data.mdb"
_PAGE_HEADER = struct.Struct("<QHHHH")  # page number, pad, flags, lower, upper
_META = struct.Struct("<IIQQ")  # magic, version, address, map size
_DATABASE = struct.Struct("<IHHQQQQQ")  # pad, flags, depth, 3 page counts, entries, root
_END = struct.Struct("<QQ")  # last page, transaction
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_META_FLAG = 0x08
_LEAST_PAGE, _LARGEST_PAGE = 256, 65536

_open: dict[str, weakref.ref[lmdb.Environment]] = {}
_lock = threading.Lock()


def _forget_the_parents() -> None:
    """A forked child opens its own: LMDB forbids it its parent's."""
    global _lock
    _lock = threading.Lock()  # another thread may have held it at the moment of the fork
    for kept in _open.values():
        environment = kept()
        if environment is not None:
            environment.close()
    _open.clear()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_forget_the_parents)


def check_whole(folder: Path) -> None:
    """Refuses an LMDB whose file is missing, is none, or is shorter than it says.

    Raises:
        AvatarError: `bad_file`, naming the file, its length and the length it should have.
    """
    path = folder / _FILE
    size = 0
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            page_size, first = _read_meta(file.read(_LARGEST_PAGE), 0)
            file.seek(page_size)
            _, second = _read_meta(file.read(_LEAST_PAGE), 0)
    except OSError as error:
        raise AvatarError(
            "bad_file",
            f"{path}: {error.strerror}.",
            "Expected a folder with an LMDB's data.mdb; check the path.",
        ) from error
    except (struct.error, ValueError) as error:
        raise AvatarError(
            "bad_file",
            f"{path} ({size} bytes) is not an LMDB of 64-bit little-endian machines, or it is "
            f"truncated: {error}.",
            "Copy or prepare it again.",
        ) from error
    last_page, _ = max(first, second, key=lambda meta: meta[1])
    expected = (last_page + 1) * page_size
    if size < expected:
        raise AvatarError(
            "bad_file",
            f"{path} is truncated: {size} bytes; its header says {expected}.",
            "Copy it again from where it is whole, or prepare it again.",
        )


def _read_meta(data: bytes, at: int) -> tuple[int, tuple[int, int]]:
    """Page size, and (last page, transaction), of the meta page that starts at `at`."""
    flags = _PAGE_HEADER.unpack_from(data, at)[2]
    at += _PAGE_HEADER.size
    magic, version, _, _ = _META.unpack_from(data, at)
    at += _META.size
    page_size = _DATABASE.unpack_from(data, at)[0]
    last_page, transaction = _END.unpack_from(data, at + 2 * _DATABASE.size)
    known = magic == _MAGIC and version == _VERSION and flags & _META_FLAG
    if not known or not _LEAST_PAGE <= page_size <= _LARGEST_PAGE:
        raise ValueError("its first pages carry no LMDB mark")
    return page_size, (last_page, transaction)


def open_for_reading(folder: Path) -> lmdb.Environment:
    """A read-only environment without locks: any number of processes may read at once.

    LMDB allows one per process and file, so all readers of a process share it; a forked child
    opens its own.

    Raises:
        AvatarError: `bad_file`.
    """
    key = str(folder.resolve())
    with _lock:
        kept = _open.get(key)
        environment = kept() if kept is not None else None
        if environment is None:
            check_whole(folder)
            environment = _opened(folder)
            _open[key] = weakref.ref(environment)
        return environment


def _opened(folder: Path) -> lmdb.Environment:
    try:
        return lmdb.open(
            str(folder), readonly=True, lock=False, create=False, readahead=False, max_readers=1
        )
    except lmdb.Error as error:
        raise AvatarError(
            "bad_file", f"{folder} cannot be opened as an LMDB ({error}).", "Prepare it again."
        ) from error


def get(environment: lmdb.Environment, key: str, folder: Path) -> bytes | None:
    """The value of a key, or None.

    Raises:
        AvatarError: `bad_file` where LMDB finds the file damaged.
    """
    try:
        with environment.begin() as transaction:
            return transaction.get(key.encode())
    except lmdb.Error as error:
        raise AvatarError(
            "bad_file", f"{folder} is damaged at the key {key!r} ({error}).", "Prepare it again."
        ) from error


def keys(environment: lmdb.Environment) -> set[str]:
    """All keys.

    Raises:
        AvatarError: `bad_file` where LMDB finds the file damaged.
    """
    try:
        with environment.begin() as transaction:
            return _all_keys(transaction)
    except lmdb.Error as error:
        raise AvatarError(
            "bad_file", f"{environment.path()} is damaged ({error}).", "Prepare it again."
        ) from error


class Writer:
    """An LMDB that grows as it is written. Every `put` is on disk when it returns.

    Several processes may write and read at once, each with a writer of its own.

    Args:
        folder: Made where missing.
    """

    _START_BYTES = 1 << 24

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / _FILE
        length = file.stat().st_size if file.exists() else 0
        if length:  # else it is new, or another process is just making it
            check_whole(folder)
        size = max(self._START_BYTES, 2 * length)
        self._environment = lmdb.open(str(folder), map_size=size, readahead=False)

    def put(self, key: str, value: bytes) -> None:
        """Stores a value; a full disk raises `disk_full`."""

        def put(transaction: lmdb.Transaction) -> None:
            transaction.put(key.encode(), value)

        self._run(put, write=True)

    def get(self, key: str) -> bytes | None:
        """The value of a key, or None."""

        def get(transaction: lmdb.Transaction) -> bytes | None:
            value = transaction.get(key.encode())
            return None if value is None else bytes(value)

        return self._run(get)

    def keys(self) -> set[str]:
        """All keys."""
        return self._run(_all_keys)

    def _run(self, call: Callable[[lmdb.Transaction], _Result], write: bool = False) -> _Result:
        while True:
            try:
                with self._environment.begin(write=write) as transaction:
                    return call(transaction)
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])
            except lmdb.MapResizedError:  # another process made it grow
                self._environment.set_mapsize(0)
            except (lmdb.DiskError, OSError) as error:
                raise AvatarError(
                    "disk_full",
                    f"{self._environment.path()} could not be written ({error}).",
                    "Make room on the disk and run it again: finished frames are kept.",
                ) from error

    def close(self) -> None:
        """Releases the file."""
        self._environment.close()


def _all_keys(transaction: lmdb.Transaction) -> set[str]:
    with transaction.cursor() as cursor:
        return {bytes(key).decode(errors="replace") for key in cursor.iternext(values=False)}
