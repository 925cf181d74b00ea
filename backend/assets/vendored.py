"""Reads files that come with the backend, and are what they were when it was made."""

from __future__ import annotations

import hashlib
from pathlib import Path

from shared.errors import AvatarError


def vendored(path: Path, sha256: str, what: str, script: str) -> bytes:
    """A file's bytes.

    Args:
        path: The file.
        sha256: What the hash of its bytes must be.
        what: What it is, for the message.
        script: Who makes it, by its path in the repository.

    Raises:
        AvatarError: `bad_file` where it is missing or another file.
    """
    remedy = f"Install the backend again, or make the file with {script}."
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AvatarError("bad_file", f"{what} {path} cannot be read ({error}).", remedy) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise AvatarError(
            "bad_file",
            f"{what} {path} has sha256 {digest[:16]}...; expected {sha256[:16]}....",
            remedy,
        )
    return content
