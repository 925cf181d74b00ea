"""Files of torch.save, read without torch: what torch wrote comes back, all else is refused."""

from __future__ import annotations

import os
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shared.errors import AvatarError
from shared.restricted.torch_file import load_torch
from tests.unit.shared.restricted.pickles import Call


def loaded(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return load_torch(path, archive)


@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.int16,
     torch.int8, torch.uint8, torch.bool],
)  # fmt: skip
def test_tensors_come_back_as_arrays_of_their_type(dtype: torch.dtype, tmp_path: Path) -> None:
    tensor = (torch.randn(3, 4, generator=torch.Generator().manual_seed(1)) * 3).to(dtype)
    torch.save({"a": tensor, "turned": tensor.T[1:3], "none": tensor[:0]}, tmp_path / "t.pt")
    found = loaded(tmp_path / "t.pt")
    for name, wanted in (("a", tensor), ("turned", tensor.T[1:3]), ("none", tensor[:0])):
        assert found[name].dtype == wanted.numpy().dtype
        np.testing.assert_array_equal(found[name], wanted.numpy())


def test_arrays_numbers_and_parameters_come_back(tmp_path: Path) -> None:
    stored = {
        "numpy": np.arange(6, dtype=np.float32).reshape(2, 3),
        "parameter": torch.nn.Parameter(torch.ones(2, dtype=torch.float64)),
        "ordered": OrderedDict(b=torch.zeros(1)),
        "frame_id": "00001",
        "step": 3,
    }
    torch.save(stored, tmp_path / "00001.frame")
    found = loaded(tmp_path / "00001.frame")
    np.testing.assert_array_equal(found["numpy"], stored["numpy"])
    np.testing.assert_array_equal(found["parameter"], [1, 1])
    assert (found["frame_id"], found["step"], list(found["ordered"])) == ("00001", 3, ["b"])


@pytest.mark.parametrize(
    "hostile", [Call(os.system, "true"), Call(eval, "1"), torch.nn.Linear(1, 1)]
)
def test_what_is_no_tensor_is_refused_by_name(hostile: object, tmp_path: Path) -> None:
    torch.save({"a": hostile}, tmp_path / "t.pt")
    with pytest.raises(AvatarError, match=r"t\.pt: refused (posix|nt|builtins|torch)"):
        loaded(tmp_path / "t.pt")


def rewritten(path: Path, change: Any) -> Path:
    """The archive with the content of each entry changed, or left out for None."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            new = change(name, content)
            if new is not None:
                archive.writestr(name, new)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda name, content: content[:8] if "/data/" in name else content,
        lambda name, content: None if "/data/" in name else content,
        lambda name, content: content[:-20] if name.endswith("data.pkl") else content,
        lambda name, content: b"big" if name.endswith("byteorder") else content,
    ],
)
def test_damage_is_one_error(change: Any, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(40)}, tmp_path / "t.pt")
    with pytest.raises(AvatarError) as caught:
        loaded(rewritten(tmp_path / "t.pt", change))
    assert caught.value.code == "bad_file"
