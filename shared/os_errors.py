"""Why a file could not be read or written: the true reason of every `OSError`, in one place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import AvatarError, said

_IN_USE = {32, 33}  # Windows: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
_TOO_LONG = {206}  # Windows: ERROR_FILENAME_EXCED_RANGE

_ELSEWHERE = "Choose another folder."
_WORDS = {
    errno.ENOSPC: ("The disk of {path} is full.", "Free some space; finished files are kept."),
    errno.EDQUOT: (
        "Your share of the disk of {path} is used up.",
        "Free some space; finished files are kept.",
    ),
    errno.EACCES: (
        "{path} may not be read or written by you.",
        "Choose another folder, or get the rights to this one.",
    ),
    errno.EROFS: ("The disk of {path} can only be read.", _ELSEWHERE),
    errno.ENAMETOOLONG: (
        "The name {path} is too long ({length} characters; most disks take 255 in a name).",
        "Choose a shorter name or folder.",
    ),
    errno.ENOTDIR: (
        "{path} cannot be: a part of its path is a file, where a folder was expected.",
        "Choose another folder, or move that file away.",
    ),
    errno.EEXIST: (
        "{path} is a file, where a folder was expected.",
        "Choose another folder, or move that file away.",
    ),
    errno.EISDIR: (
        "{path} is a folder, where a file was expected.",
        "Choose another name, or move that folder away.",
    ),
    errno.ENOENT: ("{path} does not exist.", "Check the path."),
    errno.EINVAL: (
        "The disk takes no such name as {path}.",
        "Use letters, digits and simple signs only.",
    ),
    errno.EFBIG: (
        "{path} would be larger than its disk takes for a file.",
        "Choose a folder on another disk; FAT32 ends at 4 GB.",
    ),
    errno.EBUSY: ("{path} is in use by another program.", "Close it there and try again."),
    errno.EIO: (
        "The disk of {path} reports a fault.",
        "Choose a folder on another disk, and check this one.",
    ),
    errno.EXDEV: ("{path} lies on another disk.", "Choose a folder on the same disk."),
    errno.EMFILE: ("Too many files are open to open {path}.", "Close other programs."),
    errno.ELOOP: ("The links of {path} lead in a circle.", "Check the path."),
}
_SAME = {
    errno.EPERM: errno.EACCES,
    getattr(errno, "ETXTBSY", errno.EBUSY): errno.EBUSY,  # absent on Windows
    errno.ENOTEMPTY: errno.EISDIR,
    errno.EILSEQ: errno.EINVAL,
    errno.ENFILE: errno.EMFILE,
}
_FULL = {errno.ENOSPC, errno.EDQUOT}


def os_error(error: OSError, path: Path | None = None) -> AvatarError:
    """The error that tells a user why.

    Args:
        error: What the system said.
        path: The file or folder it was about; None: as `error` says.

    Returns:
        `disk_full` where there is no room, else `bad_file`.
    """
    where = str(path) if path is not None else _named(error)
    number = _number(error)
    if number in _WORDS and where:
        message, remedy = _WORDS[number]
        code = "disk_full" if number in _FULL else "bad_file"
        return AvatarError(code, message.format(path=where, length=len(Path(where).name)), remedy)
    if number in _FULL:
        return AvatarError("disk_full", "The disk is full.", _WORDS[errno.ENOSPC][1])
    why = error.strerror or said(error)
    return AvatarError(
        "bad_file",
        f"{where}: {why}." if where else f"{why}.",
        "Check that the path exists and may be read and written.",
    )


def _named(error: OSError) -> str:
    name = error.filename2 if error.filename2 is not None else error.filename
    return os.fsdecode(name) if isinstance(name, str | bytes) else ""


def _number(error: OSError) -> int:
    windows = getattr(error, "winerror", None)
    if windows in _IN_USE:
        return errno.EBUSY
    if windows in _TOO_LONG:
        return errno.ENAMETOOLONG
    return _SAME.get(error.errno or 0, error.errno or 0)
