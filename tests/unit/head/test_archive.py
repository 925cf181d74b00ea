"""Damaged, foreign and missing head files are refused with a reason."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.assets import OPEN_HEAD
from backend.head import Head
from backend.head.archive import read_head
from shared.errors import AvatarError


def changed(path: Path, **arrays: np.ndarray | None) -> Path:
    with np.load(OPEN_HEAD, allow_pickle=False) as archive:
        stored = {name: archive[name] for name in archive.files}
    stored.update({name: value for name, value in arrays.items() if value is not None})
    for name in (name for name, value in arrays.items() if value is None):
        del stored[name]
    np.savez(path, **stored)
    return path


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(AvatarError, match="cannot be read") as caught:
        Head.load(path=tmp_path / "none.npz")
    assert caught.value.code == "bad_file"


@pytest.mark.parametrize("keep", [0, 100, 1_000_000])
def test_a_truncated_file_is_damaged(tmp_path: Path, keep: int):
    path = tmp_path / "short.npz"
    path.write_bytes(OPEN_HEAD.read_bytes()[:keep])
    with pytest.raises(AvatarError, match="is damaged") as caught:
        Head.load(path=path)
    assert caught.value.code == "bad_file"


def test_a_flipped_byte_is_noticed(tmp_path: Path):
    content = bytearray(OPEN_HEAD.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path = tmp_path / "flipped.npz"
    path.write_bytes(content)
    with pytest.raises(AvatarError) as caught:
        Head.load(path=path)
    assert caught.value.code == "bad_file"


def test_a_sound_file_with_another_hash_is_a_head_mismatch():
    with pytest.raises(AvatarError, match="expected 00000000") as caught:
        read_head(OPEN_HEAD, "0" * 64)
    assert caught.value.code == "head_mismatch"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("lbs_weights", None, "lacks the array 'lbs_weights'"),
        ("lbs_weights", np.zeros((7, 5), np.float32), r"'lbs_weights'.*found float32 \(7, 5\)"),
        ("faces", np.full((4, 3), 9999, np.int32), "'faces'.*points outside|landmark_faces"),
        ("v_template", np.full((5418, 3), np.nan, np.float32), "'v_template'.*NaN"),
    ],
)
def test_a_wrong_array_is_named(tmp_path: Path, name: str, value: np.ndarray | None, reason: str):
    path = changed(tmp_path / "wrong.npz", **{name: value})
    with pytest.raises(AvatarError, match=reason) as caught:
        Head.load(path=path)
    assert caught.value.code == "bad_file"


def test_an_unknown_head_is_refused():
    with pytest.raises(AvatarError, match="Unknown head 'flame2020'"):
        Head.load("flame2020")


def test_a_member_that_is_no_array_is_named(tmp_path: Path):
    path = changed(tmp_path / "head.npz", mirror=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("mirror", b"no array")
    with pytest.raises(AvatarError, match="Array 'mirror' of the head") as caught:
        read_head(path, None)
    assert caught.value.code == "bad_file"
