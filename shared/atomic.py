"""Files that either exist whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

_SHOWN = 32  # of a name's characters


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; on success it takes its place, else it is removed.

    An `OSError` names `path`, which the user knows, and not the other one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    token = f"{os.getpid()}.{uuid.uuid4().hex[:8]}"  # a name that may be as long as `path`'s
    temporary = path.with_name(f".{path.stem[:_SHOWN]}.{token}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        ours = (str(temporary), temporary, None if _of_writing(error) else temporary)
        if isinstance(error, OSError) and error.filename in ours:
            error.filename, error.filename2 = str(path), None
        raise


def _of_writing(error: BaseException) -> bool:
    """Whether it says that there is no room, as writing into an open file does, without a name."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_writable(path: Path) -> None:
    """Finds out before long work whether a file can be written; leaves nothing but its folder.

    Raises:
        OSError: As writing would, naming `path`.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with contextlib.suppress(_Untouched), replacing(path) as temporary:
        temporary.touch()
        with contextlib.suppress(FileNotFoundError):
            path.stat()  # its own name may be too long
        raise _Untouched


class _Untouched(Exception):
    """Leaves the file as it is."""


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Writes a whole file."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
