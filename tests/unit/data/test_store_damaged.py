"""A damaged store is refused, and the message names file, clip and frame."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
import safetensors.numpy

from backend.data.store import Store
from tests.unit.data.stores import SIZE, refused


def _edit_tracks(path: Path, change) -> None:
    file = path / "tracks.safetensors"
    arrays = safetensors.numpy.load_file(file)
    keys = ["a_0", "a_20", "a_100", "b_2_5", "b_2_10"]
    arrays, keys = change(arrays, keys) or (arrays, keys)
    safetensors.numpy.save_file(arrays, file, {"keys": json.dumps(keys)})


def test_nan_in_a_track_names_clip_frame_and_array(store: Path) -> None:
    def change(arrays, keys):
        arrays["expression"][1, 7] = np.nan

    _edit_tracks(store, change)
    message = refused(store).message
    assert "clip 'a', frame 20: 'expression' is wrong: found NaN" in message
    assert Store(store).read("a", 0).index == 0


def test_arrays_of_wrong_shape_or_kind_are_named(store: Path) -> None:
    _edit_tracks(store, lambda a, k: ({**a, "expression": a["expression"][:, :50].copy()}, k))
    assert "'expression' is F32 (5, 50); expected F32 (5, 100)" in refused(store).message
    _edit_tracks(store, lambda a, k: ({**a, "expression": np.zeros((5, 100))}, k))
    assert "'expression' is F64 (5, 100); expected F32 (5, 100)" in refused(store).message
    _edit_tracks(store, lambda a, k: ({n: v for n, v in a.items() if n != "jaw_pose"}, k))
    assert "jaw_pose" in refused(store).message


def test_a_missing_picture_names_clip_and_frame(store: Path) -> None:
    with lmdb.open(str(store / "img_lmdb")) as env, env.begin(write=True) as txn:
        txn.delete(b"a_20")
    assert (
        "clip 'a', frame 20: img_lmdb has no picture under the key 'a_20'" in refused(store).message
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xd8 rubbish \xff\xd9", "not a picture that OpenCV reads"),
        (b"", "is empty"),
        (
            cv2.imencode(".jpg", np.zeros((SIZE, SIZE, 3), np.uint8))[1].tobytes()[:-300],
            "truncated",
        ),
        (cv2.imencode(".jpg", np.zeros((8, 9, 3), np.uint8))[1].tobytes(), "9x8 pixels"),
    ],
)
def test_a_picture_that_does_not_decode_names_clip_and_frame(
    store: Path, data: bytes, message: str
) -> None:
    with lmdb.open(str(store / "img_lmdb")) as env, env.begin(write=True) as txn:
        txn.put(b"a_20", data)
    found = refused(store).message
    assert "clip 'a', frame 20" in found
    assert message in found


@pytest.mark.parametrize("name", ["meta.json", "split.json", "tracks.safetensors"])
@pytest.mark.parametrize("length", [0, 0.3, 0.9])
def test_a_truncated_file_is_named(store: Path, name: str, length: float) -> None:
    data = (store / name).read_bytes()
    (store / name).write_bytes(data[: int(len(data) * length)])
    assert name in refused(store).message


@pytest.mark.parametrize("name", ["meta.json", "split.json", "tracks.safetensors", "img_lmdb"])
def test_a_missing_part_is_named(store: Path, name: str) -> None:
    path = store / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert name in refused(store).message


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refused(tmp_path / "none").message


def test_a_truncated_lmdb_is_an_error_and_no_crash(whole: Path, tmp_path: Path) -> None:
    length = (whole / "img_lmdb" / "data.mdb").stat().st_size
    cut = [0, 10, 5000, length * 2 // 5, length - 1]
    for size in cut:
        copy = shutil.copytree(whole, tmp_path / str(size))
        with (copy / "img_lmdb" / "data.mdb").open("r+b") as file:
            file.truncate(size)
    script = (
        "import sys\n"
        "from backend.data.store import Store\n"
        "from shared.errors import AvatarError\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        Store(path).read('a', 20)\n"
        "    except AvatarError as error:\n"
        "        print(error.code, error.message)\n"
    )
    paths = [str(tmp_path / str(size)) for size in cut]
    # In a process of its own: reading beyond the end of a mapped file would kill it.
    done = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(cut)
    for line, path in zip(lines, paths, strict=True):
        assert line.startswith(f"bad_file {path}/img_lmdb/data.mdb")
        assert "truncated" in line


@pytest.mark.parametrize("names", [5, "ab", [["a"]], {"a": 1}, [1]])
def test_a_split_that_is_no_list_of_names_is_told(store: Path, names: object) -> None:
    (store / "split.json").write_text(json.dumps({"train": names}))
    assert "the split 'train' is" in refused(store).message


@pytest.mark.parametrize("keys", ["5", '["a_0", 5]', '"ab"', "[" * 100_000])
def test_keys_that_are_no_names_are_told(store: Path, keys: str) -> None:
    path = store / "tracks.safetensors"
    safetensors.numpy.save_file(safetensors.numpy.load_file(path), path, {"keys": keys})
    assert "is not a readable file of tracks" in refused(store).message
