"""MATLAB files as SciPy writes them, read without SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from shared.restricted.mat_file import Damaged, read_mat

RNG = np.random.default_rng(3)
ARRAYS = {
    "doubles": RNG.normal(size=(5, 50)),
    "singles": RNG.normal(size=(1, 100)).astype(np.float32),
    "bytes": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "cube": RNG.normal(size=(2, 3, 4)),
    "one": np.array([[7]]),
}


@pytest.mark.parametrize("packed", [True, False])
def test_arrays_of_numbers_come_back_and_other_things_are_left_out(
    packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "codes.mat"
    others = {"text": "hello", "struct": {"a": 1.0}, "complex": np.array([[1 + 2j]])}
    scipy.io.savemat(path, {**ARRAYS, **others}, do_compression=packed)
    found = read_mat(path.read_bytes())
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("packed", [True, False])
def test_a_cut_file_is_damaged(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "codes.mat"
    scipy.io.savemat(path, {"a": RNG.normal(size=(40, 40))}, do_compression=packed)
    content = path.read_bytes()
    with pytest.raises(Damaged):
        read_mat(content[: len(content) // 2])
    with pytest.raises(Damaged, match="byte order"):
        read_mat(b"MATLAB 5.0 nothing else")
