"""Any exception as the `AvatarError` that a user sees."""

from __future__ import annotations

import errno
import re

from backend.installer.environments import RUNTIME_REMEDY, WINDOWS_RUNTIME, library_remedy
from shared.errors import AvatarError, said
from shared.os_errors import os_error


def as_avatar_error(error: BaseException) -> AvatarError:
    """The error to report for an exception that reached the border of a request or a command."""
    if isinstance(error, AvatarError):
        return error
    if _is_memory(error):
        return AvatarError(
            "out_of_memory",
            f"Memory ran out: {said(error)}." if str(error) else "Memory ran out.",
            "Close other programs, use a smaller picture, or another device.",
        )
    if (missing := missing_library(error)) is not None:
        return missing
    if isinstance(error, OSError):
        return os_error(error)
    return AvatarError(
        "internal",
        f"Something went wrong inside SplitAvatar: {said(error)}.",
        "Please report it with a support bundle (python -m backend support, or the button in the "
        "add-on's preferences).",
    )


def missing_library(error: BaseException) -> AvatarError | None:
    """The error for a library of the system that is not there; None for any other exception."""
    if not isinstance(error, OSError | ImportError):
        return None
    if found := re.search(r"(lib[\w.+-]+\.so[.\d]*): ", str(error)):
        return AvatarError(
            "backend_not_installed",
            f"The system library {found[1]} is missing or damaged.",
            library_remedy("backend", found[1]),
        )
    if re.search(WINDOWS_RUNTIME, str(error)):
        return AvatarError("backend_not_installed", f"{said(error)}.", RUNTIME_REMEDY)
    return None


def _is_memory(error: BaseException) -> bool:
    # torch's own class is matched by name: this module must not import torch.
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(w in str(error).lower() for w in words))
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    )
