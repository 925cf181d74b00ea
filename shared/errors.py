"""The one error type that reaches users, and its stable codes."""

from collections.abc import Iterator
from contextlib import contextmanager

CODES = frozenset(
    {
        "backend_not_installed",
        "backend_died",
        "protocol_mismatch",
        "no_face_found",
        "face_too_small",
        "out_of_memory",
        "busy",
        "cancelled",
        "bad_request",
        "bad_file",
        "unsupported_format",
        "head_mismatch",
        "missing_weights",
        "disk_full",
        "internal",
    }
)


class AvatarError(Exception):
    """An error a user can act on. Crosses the wire intact.

    Args:
        code: One of `CODES`.
        message: What happened, with the values found and what was expected.
        remedy: What to do about it, one line.
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        if code not in CODES:
            raise ValueError(f"unknown error code {code!r}; expected one of {sorted(CODES)}")
        self.code = code
        self.message = _shortened(legible(message))
        super().__init__(f"{self.message} {remedy}")
        self.remedy = remedy


def said(error: BaseException) -> str:
    """What an exception says, in one line and without its class name, which is for the log."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    words = " ".join(str(error).split()).rstrip(".")
    return words or "no reason was given"


def legible(text: str) -> str:
    """A text that can be sent and shown; names of files may be bytes that are none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


_LONGEST = 2000


def _shortened(message: str) -> str:
    """A message that can be read: files say values of any length."""
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    return message


_OF_A_FILE = frozenset(
    {"bad_file", "bad_request", "face_too_small", "no_face_found", "unsupported_format"}
)


@contextmanager
def about(name: str) -> Iterator[None]:
    """Lets errors about what a file shows begin with its name, where they do not tell it.

    Args:
        name: Of the file.
    """
    try:
        yield
    except AvatarError as error:
        if error.code not in _OF_A_FILE or name in error.message:
            raise
        raise AvatarError(error.code, f"{name}: {error.message}", error.remedy) from error
