"""What other programs found, damaged: one error with the file's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from backend.evaluation.metrics.precomputed import DEEP3D, LANDMARKS, Aed, Akd
from backend.evaluation.metrics.shot import Shot
from shared.errors import AvatarError


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    for folder in (DEEP3D, LANDMARKS):
        (tmp_path / folder / "system").mkdir(parents=True)
    values = {"exp": np.ones((1, 64)), "angle": np.zeros((1, 3))}
    scipy.io.savemat(tmp_path / DEEP3D / "system" / "1.mat", values)
    np.save(tmp_path / LANDMARKS / "system" / "1.npy", np.ones((68, 2)))
    return Shot(np.zeros((8, 8, 3), np.uint8), tmp_path / "system" / "1.png", tmp_path)


@pytest.mark.parametrize("length", [0, 1, 100, 130, 150, 600])
def test_a_truncated_mat_file_is_named(shot: Shot, length: int) -> None:
    path = shot.beside(DEEP3D, ".mat")
    assert Aed(shot.root).describe(shot).tolist() == [1] * 64
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(AvatarError) as caught:
        Aed(shot.root).describe(shot)
    assert caught.value.code == "bad_file"
    assert str(path) in caught.value.message


@pytest.mark.parametrize(("at", "value"), [(0x91, 0xFF), (0x9C, 9), (0xA0, 0x40), (0xB0, 3)])
def test_a_mat_file_that_crashes_other_readers_is_named(shot: Shot, at: int, value: int) -> None:
    """The first of them ends a process in which scipy.io.loadmat reads it."""
    path = shot.beside(DEEP3D, ".mat")
    content = bytearray(path.read_bytes())
    content[at] = value
    path.write_bytes(content)
    with pytest.raises(AvatarError, match="has no numbers 'exp'") as caught:
        Aed(shot.root).describe(shot)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("header", [b"{", b"\0" * 40, b"{'descr': '|O'}"])
def test_a_damaged_npy_header_is_named(shot: Shot, header: bytes) -> None:
    path = shot.beside(LANDMARKS, ".npy")
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(AvatarError, match="is not an array file") as caught:
        Akd(shot.root).describe(shot)
    assert str(path) in caught.value.message
