"""A file is whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from shared import atomic


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    atomic.write_bytes(path, b"old")

    def fail_half_way() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_full_disk_names_the_file_and_what_has_no_name_stays_so(tmp_path: Path) -> None:
    """What writing into an open file raises names none."""
    path = tmp_path / "a.bin"
    for number, named in ((errno.ENOSPC, str(path)), (errno.EIO, None)):
        with pytest.raises(OSError) as caught, atomic.replacing(path):
            raise OSError(number, os.strerror(number))
        assert caught.value.filename == named
    assert list(tmp_path.iterdir()) == []
