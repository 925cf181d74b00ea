"""Exceptions become errors that a user can act on."""

import errno

import pytest

from backend.serving.failures import as_avatar_error
from shared.errors import AvatarError


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (OutOfMemoryError("CUDA"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/a"), "disk_full"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/a"), "bad_file"),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), "bad_file"),
        (RuntimeError("shapes differ"), "internal"),
        (KeyError("x"), "internal"),
    ],
)
def test_an_exception_gets_its_code(error: Exception, code: str) -> None:
    found = as_avatar_error(error)
    assert found.code == code
    assert found.remedy


def test_our_own_errors_stay_as_they_are() -> None:
    error = AvatarError("busy", "m", "r")
    assert as_avatar_error(error) is error


def test_the_file_is_named() -> None:
    assert "/full/disk" in as_avatar_error(OSError(errno.ENOSPC, "No space", "/full/disk")).message
