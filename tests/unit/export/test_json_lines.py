"""Lines of JSON: whole ones are read, a torn one is left out, others are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.export.json_lines import whole_lines
from shared.errors import AvatarError


def read(path: Path) -> list[dict]:
    return whole_lines(path, "score", "Remove it.")[0]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n{"a": ')
    assert whole_lines(path, "score", "Remove it.") == ([{"a": 1}, {"a": 2}], path.read_text()[:18])
    assert read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    "line", [b"{nonsense", b"5", b"[" * 100_000, b"9" * 5000, b"", b'{"a": 1} {"b": 2}']
)
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b"\n")
    with pytest.raises(AvatarError, match=r"a\.jsonl, line 2 is not a score") as caught:
        read(path)
    assert caught.value.code == "bad_file"


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(AvatarError, match=r"a\.jsonl cannot be read"):
        read(tmp_path / "a.jsonl")
