"""Files that come with the backend are what they were when it was made."""

import hashlib
from pathlib import Path

import pytest

from backend.assets.vendored import vendored
from shared.errors import AvatarError

SCRIPT = "scripts/make_it.py"


def test_the_bytes_of_the_expected_file_are_given(tmp_path: Path) -> None:
    path = tmp_path / "it.npz"
    path.write_bytes(b"content")
    assert vendored(path, hashlib.sha256(b"content").hexdigest(), "It", SCRIPT) == b"content"


@pytest.mark.parametrize("content", [None, b"another file"])
def test_a_missing_file_and_another_one_are_refused_with_the_remedy(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "it.npz"
    if content is not None:
        path.write_bytes(content)
    told = r"it\.npz cannot be read" if content is None else "it.npz has sha256 .*; expected abcd"
    with pytest.raises(AvatarError, match=told) as error:
        vendored(path, "abcd" * 16, "It", SCRIPT)
    assert error.value.code == "bad_file"
    assert SCRIPT in error.value.remedy
