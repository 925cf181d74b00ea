"""Files that are no checkpoint of GAGAvatar are refused."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest
import torch

from backend.gagavatar.convert import convert
from shared.errors import AvatarError


def refusal(source: Path, out: Path) -> AvatarError:
    with pytest.raises(AvatarError) as error:
        convert(source, out)
    assert not out.exists()
    return error.value


class Hostile:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"model": {"a": torch.zeros(1)}, "hidden": Hostile()}, "plain tensors"),
        ({"weights": torch.zeros(1)}, r"\['weights'\]"),
        ({"model": {"head_base": "text"}}, "not 'model' with tensors"),
        ([1, 2], "list"),
    ],
)
def test_other_files_are_refused_and_nothing_in_them_runs(tmp_path: Path, content, says: str):
    torch.save(content, tmp_path / "other.pt")
    error = refusal(tmp_path / "other.pt", tmp_path / "out.safetensors")
    assert error.code == "bad_file"
    assert re.search(says, error.message)
    assert "GAGAvatar.pt" in error.remedy


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", b"\x80\x02garbage"])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, damage: bytes):
    (tmp_path / "broken.pt").write_bytes(damage)
    assert refusal(tmp_path / "broken.pt", tmp_path / "out.safetensors").code == "bad_file"


@pytest.mark.parametrize(
    "pickled", [b"", b"\x80\x02J\x00", b"\x80\x02X\xff\xff\xff\xff", b"\x80\x02."]
)
def test_a_damaged_pickle_within_is_one_clear_error(tmp_path: Path, pickled: bytes):
    torch.save({}, tmp_path / "sound.pt")
    with (
        zipfile.ZipFile(tmp_path / "sound.pt") as sound,
        zipfile.ZipFile(tmp_path / "broken.pt", "w") as broken,
    ):
        for name in sound.namelist():
            broken.writestr(name, pickled if name.endswith("data.pkl") else sound.read(name))
    error = refusal(tmp_path / "broken.pt", tmp_path / "out.safetensors")
    assert error.code == "bad_file"
    assert "broken.pt" in error.message


def test_a_file_that_is_not_there_and_a_wrong_name_for_the_result(tmp_path: Path):
    error = refusal(tmp_path / "GAGAvatar.pt", tmp_path / "out.safetensors")
    assert error.code == "missing_weights"
    assert refusal(tmp_path / "GAGAvatar.pt", tmp_path / "out.pt").code == "bad_request"
