"""Files that either exist whole or not at all."""

from __future__ import annotations

import contextlib
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
        if isinstance(error, OSError) and str(temporary) in (error.filename, str(error.filename)):
            error.filename, error.filename2 = str(path), None
        raise


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Writes a whole file."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
