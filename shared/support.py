"""The support bundle: a zip with logs and facts that a user can send, without personal paths."""

from __future__ import annotations

import platform
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import log_file
from .anonymous import Anonymous
from .atomic import replacing
from .errors import AvatarError
from .os_errors import os_error
from .version import PROTOCOL, VERSION

LOG_TAIL = 1_000_000
"""Bytes of each log that are packed: its end."""

_README = """Made by SplitAvatar on the user's wish; nothing was sent anywhere.
facts.txt has versions and what works on this machine; the others are the ends of the logs.
Home folder, user, machine and the names of files and folders of the user were taken out.
"""


def versions(more: Mapping[str, str] | None = None) -> str:
    """A line per version: ours, Python's, the system's and more."""
    facts = {
        "SplitAvatar": f"{VERSION}, protocol {PROTOCOL}",
        **(more or {}),
        "Python": platform.python_version(),
        "System": f"{platform.system()} {platform.release()} {platform.version()}",
        "Processor": platform.machine(),
    }
    return "".join(f"{name}: {value}\n" for name, value in facts.items())


def write(
    out: Path, facts: str, logs: Iterable[Path], programs: Mapping[Path, str] | None = None
) -> list[str]:
    """Writes the bundle, whole or not at all.

    Args:
        out: The zip; replaced where it exists.
        facts: What is known of the machine, as text; the file names in it are of ours.
        logs: Logs, with the older ones beside them; those that are not there are left out.
        programs: As `Anonymous.programs`, beside Python's own folders.

    Returns:
        The names of what it holds.

    Raises:
        AvatarError: Why it could not be written.
    """
    known = {Path(sys.prefix): "<python>", Path(sys.base_prefix): "<python>", **(programs or {})}
    anonymous = Anonymous.here(known)
    texts = {"README.txt": _README, "facts.txt": anonymous.text(facts, names=False)}
    try:
        for number, log in enumerate(logs, 1):
            for path in log_file.files(log):
                name = path.name if path.name not in texts else f"{number}-{path.name}"
                texts[name] = anonymous.text(_end(path))
        _write_zip(out, texts)
    except OSError as error:
        raise os_error(error, out if error.filename is None else None) from error
    return list(texts)


def check_name(out: Path) -> Path:
    """The path, when it can be that of a bundle.

    Raises:
        AvatarError: `bad_request`.
    """
    if out.suffix.lower() != ".zip":
        raise AvatarError(
            "bad_request",
            f"{out.name!r} is no name of a support bundle; expected one that ends in .zip.",
            "Give it such a name.",
        )
    return out


def _end(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - LOG_TAIL))
        text = stream.read().decode(errors="replace")
    # The first line is cut: what is left of a path in it could not be told.
    return text if size <= LOG_TAIL else text.partition("\n")[2]


def _write_zip(out: Path, texts: Mapping[str, str]) -> None:
    with (
        replacing(out) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, text in texts.items():
            archive.writestr(name, text)
