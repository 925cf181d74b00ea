"""The avatar's file: what is written comes back, what is damaged is refused, never a pickle."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from backend.avatar.file import Avatar
from shared.errors import AvatarError

Change = Callable[[dict[str, torch.Tensor], dict[str, str]], None]


@pytest.fixture(scope="module")
def file(avatar: Avatar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avatars") / "astronaut.savatar"
    avatar.save(path)
    return path


def refusal(path: Path) -> AvatarError:
    with pytest.raises(AvatarError) as caught:
        Avatar.load(path)
    assert caught.value.code == "bad_file"
    assert str(path) in caught.value.message
    assert caught.value.remedy == "Choose a .savatar file, or create the avatar again."
    return caught.value


def test_a_saved_avatar_comes_back_bit_by_bit(avatar, file):
    loaded = Avatar.load(file)
    for field in dataclasses.fields(avatar.identity):
        a, b = getattr(avatar.identity, field.name), getattr(loaded.identity, field.name)
        assert a.dtype == b.dtype
        assert torch.equal(a, b), field.name
    assert torch.equal(avatar.g0_raw, loaded.g0_raw)
    assert avatar.photo is not None
    assert loaded.photo is not None
    assert torch.equal(avatar.photo, loaded.photo)
    assert avatar.clothes is not None
    assert loaded.clothes is not None
    assert torch.equal(avatar.clothes, loaded.clothes)
    assert len(avatar.layers) == len(loaded.layers) == 4
    for own, other in zip(avatar.layers, loaded.layers, strict=True):
        assert [n for n, _ in own.tensors()] == [n for n, _ in other.tensors()]
        assert all(torch.equal(a, dict(other.tensors())[n]) for n, a in own.tensors())
    for name, array in avatar.source.to_arrays().items():
        np.testing.assert_array_equal(array, loaded.source.to_arrays()[name])
    np.testing.assert_array_equal(avatar.camera.viewmat, loaded.camera.viewmat)
    np.testing.assert_array_equal(avatar.camera.K, loaded.camera.K)
    for name in ("preset", "model_hash", "head_hash", "image_hash"):
        assert getattr(avatar, name) == getattr(loaded, name)
    assert loaded.source.head == avatar.source.head
    assert (loaded.camera.width, loaded.camera.height) == (512, 512)


def test_a_loaded_avatar_drives_like_the_one_saved(pipeline, avatar, file):
    a, b = (pipeline.drive(person, avatar.source) for person in (avatar, Avatar.load(file)))
    assert torch.equal(a.means, b.means)
    assert torch.equal(a.features, b.features)


def test_what_was_read_lies_in_memory_as_what_was_made(file, tmp_path):
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        metadata = opened.metadata()
    for values in range(4):
        # stands first, so that all others lie as many values further
        tensors["a"] = torch.zeros(values)
        save_file(tensors, tmp_path / "moved.savatar", metadata)
        loaded = Avatar.load(tmp_path / "moved.savatar")
        parts = [vars(loaded.identity), *(dict(layer.tensors()) for layer in loaded.layers)]
        found = [loaded.g0_raw, *(tensor for part in parts for tensor in part.values())]
        assert all(tensor.data_ptr() % 64 == 0 for tensor in found)


def test_the_file_is_safetensors_that_others_can_read(file):
    arrays = safetensors.numpy.load_file(file)
    assert arrays["identity.means"].shape[1] == 3
    with safe_open(file, framework="np") as opened:
        assert opened.metadata()["format"] == "savatar-1"


def test_it_leaves_no_other_file_behind(avatar, tmp_path):
    avatar.save(tmp_path / "new" / "folder" / "me.savatar")
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["me.savatar"]


def test_a_failing_write_leaves_the_old_file(avatar, file, tmp_path, monkeypatch):
    path = tmp_path / "me.savatar"
    path.write_bytes(file.read_bytes())

    def full(self: Path, data: bytes) -> int:
        with open(self, "wb") as half:
            half.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(AvatarError) as caught:
        avatar.save(path)
    monkeypatch.undo()
    assert caught.value.code == "disk_full"
    assert f"The disk of {path} is full." == caught.value.message
    assert path.read_bytes() == file.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_told(avatar, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AvatarError) as caught:
        avatar.save(tmp_path / "file" / "me.savatar")
    assert "file is a file, where a folder was expected" in caught.value.message


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path, why in ((tmp_path / "nobody.savatar", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(AvatarError, match=why) as caught:
            Avatar.load(path)
        assert caught.value.code == "bad_file"
        assert str(path) in caught.value.message


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 5000, -1, -1000])
def test_a_cut_file_is_refused(file, tmp_path, kept):
    path = tmp_path / "cut.savatar"
    path.write_bytes(file.read_bytes()[:kept])
    refusal(path)


def test_garbage_is_refused(tmp_path):
    path = tmp_path / "noise.savatar"
    path.write_bytes(np.random.default_rng(0).bytes(4096))
    refusal(path)
    path.write_bytes(b"\xff" * 8 + b"x" * 100)  # a header of 2^64 - 1 bytes
    refusal(path)


def test_a_foreign_safetensors_file_is_refused_with_its_format(tmp_path):
    path = tmp_path / "other.savatar"
    save_file({"weight": torch.zeros(3)}, path)
    assert "has the format 'none'; expected 'savatar-1'" in refusal(path).message
    save_file({"weight": torch.zeros(3)}, path, {"format": "pt"})
    assert "has the format 'pt'" in refusal(path).message
    save_file({"weight": torch.zeros(3)}, path, {"format": "savatar-1"})
    assert "'identity.means' is missing" in refusal(path).message


class Explosive:
    """Unpickling this would raise the assertion."""

    def __reduce__(self):
        return (_explode, ())


def _explode() -> None:
    raise AssertionError("a pickle was loaded")


def test_a_pickle_is_never_loaded(tmp_path):
    path = tmp_path / "evil.savatar"
    path.write_bytes(pickle.dumps(Explosive()))
    refusal(path)
    torch.save({"x": torch.zeros(2)}, path)
    refusal(path)


def rewritten(file: Path, path: Path, change: Change) -> Path:
    with safe_open(file, framework="pt") as opened:
        metadata = dict(opened.metadata())
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    change(tensors, metadata)
    save_file(tensors, path, metadata)
    return path


def test_rewriting_without_a_change_still_loads(file, tmp_path):
    Avatar.load(rewritten(file, tmp_path / "same.savatar", lambda tensors, metadata: None))


@pytest.mark.parametrize(
    "key", ["preset", "model_hash", "head_hash", "image_hash", "head", "camera_size"]
)
def test_missing_metadata_is_named(file, tmp_path, key):
    def remove(_: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        del metadata[key]

    path = rewritten(file, tmp_path / "x.savatar", remove)
    assert key in refusal(path).message


@pytest.mark.parametrize("size", ["null", "7", "[512]", '["a", 3]', "[0, 512]", "[1e9, 2]", "{"])
def test_a_senseless_camera_size_is_refused(file, tmp_path, size):
    refusal(rewritten(file, tmp_path / "x.savatar", lambda _, m: m.update(camera_size=size)))


@pytest.mark.parametrize(
    "name",
    ["identity.means", "identity.layers", "g0_raw", "layers.0.features", "source.expression",
     "source.betas", "camera.viewmat", "camera.K"],
)  # fmt: skip
def test_a_missing_tensor_is_refused(file, tmp_path, name):
    def remove(tensors: dict[str, torch.Tensor], _: dict[str, str]) -> None:
        del tensors[name]

    refusal(rewritten(file, tmp_path / "x.savatar", remove))


def test_a_file_from_before_clothes_were_told_apart_has_none(file, tmp_path):
    def remove(tensors: dict[str, torch.Tensor], _: dict[str, str]) -> None:
        del tensors["clothes"]

    older = Avatar.load(rewritten(file, tmp_path / "x.savatar", remove))
    assert not older.clothes_of(older.identity).any()


@pytest.mark.parametrize(
    "name",
    ["identity.quats", "identity.opacities", "g0_raw", "layers.0.scale", "layers.1.mask",
     "layers.2.features", "source.transl", "source.betas", "camera.viewmat", "camera.K",
     "clothes"],
)  # fmt: skip
def test_a_tensor_of_another_shape_is_refused(file, tmp_path, name):
    def shorten(tensors: dict[str, torch.Tensor], _: dict[str, str]) -> None:
        tensors[name] = tensors[name][:-1].clone()

    refusal(rewritten(file, tmp_path / "x.savatar", shorten))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["identity.means", "layers.3.offset", "source.betas", "camera.K"])
def test_nan_and_infinity_are_refused_by_name(file, tmp_path, name, value):
    def spoil(tensors: dict[str, torch.Tensor], _: dict[str, str]) -> None:
        tensors[name].view(-1)[1] = value

    message = refusal(rewritten(file, tmp_path / "x.savatar", spoil)).message
    assert name in message
    assert "NaN or infinity" in message


def test_numbers_where_floats_belong_are_refused(file, tmp_path):
    def convert(tensors: dict[str, torch.Tensor], _: dict[str, str]) -> None:
        tensors["layers.1.features"] = tensors["layers.1.features"].int()

    assert "int32" in refusal(rewritten(file, tmp_path / "x.savatar", convert)).message


def test_the_metadata_say_whose_the_avatar_is(file):
    with safe_open(file, framework="np") as opened:
        metadata = opened.metadata()
    assert "whoever holds the rights in the portrait" in metadata["licence"]
    assert json.loads(metadata["camera_size"]) == [512, 512]


def test_neutral_has_the_persons_identity_and_nothing_else(avatar):
    neutral = avatar.neutral()
    np.testing.assert_array_equal(neutral.betas, avatar.source.betas)
    assert not any(a.any() for n, a in neutral.to_arrays().items() if n != "betas")
