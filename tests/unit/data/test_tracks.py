"""GAGAvatar's tracks become ours and back; whole folders become stores."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from safetensors import safe_open

from backend.__main__ import main
from backend.data import convert_tracks, layout, tracks
from backend.data.store import Store, StoreWriter
from shared.errors import AvatarError
from shared.progress import silent
from tests.unit.data import gagavatar_files as files

KEYS = ["000002_5", "000002_0", "000001_35", "000001_7", "000003_1"]
SPLIT = {"train": ["000002_5", "000002_0"], "test": ["000001_35", "000001_7"]}


def test_cameras_are_those_the_baselines_rasteriser_was_given() -> None:
    viewmat = tracks.viewmat_of(files.TRANSFORM)
    view = files.VIEW.T  # column vectors
    assert np.allclose(viewmat[:3, :3], view[:3, :3], atol=1e-7)
    assert np.allclose(viewmat[:3, 3] * 5, view[:3, 3], atol=1e-6)


def test_points_fall_on_the_pixels_the_baselines_rasteriser_puts_them_on() -> None:
    points = np.random.default_rng(0).normal(0, 0.1, (50, 3))  # metres
    theirs = np.concatenate([points * 5, np.ones((50, 1))], 1) @ files.PROJECTION
    pixels = (theirs[:, :2] / theirs[:, 3:] + 1) * 256
    assert np.allclose(tracks.camera_of(files.TRANSFORM, 512).project(points), pixels, atol=1e-3)


def test_a_camera_sees_what_pytorch3ds_row_vectors_see() -> None:
    point = np.array([0.03, -0.05, 0.08])
    x, y, z = (point * 5) @ files.TRANSFORM[:, :3] + files.TRANSFORM[:, 3]  # +X left, +Y up
    expected = [256 - 256 * 12 * x / z, 256 - 256 * 12 * y / z]
    assert np.allclose(tracks.camera_of(files.TRANSFORM, 512).project(point), expected, atol=1e-4)


def test_a_record_survives_the_way_there_and_back_bit_for_bit() -> None:
    for seed in range(20):
        record = files.record(seed)
        rng = np.random.default_rng(seed)
        rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        record["transform_matrix"][:, :3] = rotation * np.linalg.det(rotation)
        record["transform_matrix"][:, 3] = [*rng.normal(0, 0.5, 2), rng.uniform(6, 12)]
        back = tracks.record_of(tracks.row_of(record, "here", 512, 25), 512)
        assert back.keys() == record.keys()
        for name, value in record.items():
            assert back[name].dtype == np.float32
            assert np.array_equal(back[name], value), name


def test_a_row_keeps_left_and_right_eye_and_jaw_apart() -> None:
    record = files.record(1)
    row = tracks.row_of(record, "here", 512, 25)
    assert np.array_equal(row["jaw_pose"], record["posecode"][3:])
    assert np.array_equal(row["leye_pose"], record["eyecode"][:3])
    assert np.array_equal(row["reye_pose"], record["eyecode"][3:])


def test_another_focal_length_has_no_place_in_their_format() -> None:
    row = tracks.row_of(files.record(0), "here", 512, 25)
    row["K"][0, 0] *= 1.1
    with pytest.raises(AvatarError, match="only know focal 12 NDC"):
        tracks.record_of(row, 512)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("eyecode"), "'eyecode' is wrong: found only"),
        (lambda r: r.update(expcode=np.zeros(50)), "found shape (50,), expected shape (100,)"),
        (lambda r: r["shapecode"].__setitem__(7, np.nan), "'betas' is wrong: found NaN"),
        (lambda r: r["posecode"].__setitem__(0, 0.1), "a global rotation of"),
        (lambda r: r.update(transform_matrix=np.zeros((3, 4))), "a rigid motion"),
        (lambda r: r.update(bbox=["a", "b", "c", "d"]), "expected numbers"),
    ],
)
def test_a_wrong_record_names_frame_and_key(
    tmp_path: Path, change: Callable[[dict], Any], message: str
) -> None:
    records = {"a_1": files.record(1), "a_2": files.record(2)}
    records["a_2"]["transform_matrix"] = files.TRANSFORM.copy()
    change(records["a_2"])
    path = files.write_pickle(tmp_path / "optim.pkl", records)
    with pytest.raises(AvatarError) as caught:
        convert_tracks.convert_file(path, tmp_path / "t", "flame2020", 512, 25, silent)
    assert caught.value.code == "bad_file"
    assert f"{path}: clip 'a', frame 2" in caught.value.message
    assert message in caught.value.message
    assert not (tmp_path / "t").exists()


def test_the_command_writes_tracks_without_pickle(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = files.write_pickle(tmp_path / "optim.pkl", {k: files.record(0) for k in KEYS})
    out = tmp_path / "tracks.safetensors"
    assert main(["convert-tracks", str(path), "--out", str(out), "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["frames"], result["clips"]) == (5, 3)
    with safe_open(out, framework="np") as file:
        metadata = file.metadata()
        expression = file.get_tensor("expression")
    assert metadata["head"] == "flame2020"
    keys = ["000001_7", "000001_35", "000002_0", "000002_5", "000003_1"]
    assert json.loads(metadata["keys"]) == keys
    assert np.array_equal(expression, np.tile(files.record(0)["expcode"], (5, 1)))


def test_a_hostile_pickle_is_refused_by_name(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path}/executed",)

    path = files.write_pickle(tmp_path / "optim.pkl", {"a_1": Hostile()})
    with pytest.raises(AvatarError, match=r"optim\.pkl: refused .*system"):
        tracks.load(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("found", [[], {}, {1: {}}, {"nokey": {}}])
def test_what_is_no_track_file_is_refused(tmp_path: Path, found: object) -> None:
    with pytest.raises(AvatarError) as caught:
        tracks.load(files.write_pickle(tmp_path / "optim.pkl", found))
    assert caught.value.code == "bad_file"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return files.write_folder(tmp_path / "theirs", KEYS, SPLIT)


@pytest.mark.parametrize("link", [False, True])
def test_a_folder_becomes_a_store_without_touching_its_pictures(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], link: bool
) -> None:
    before = (folder / "img_lmdb" / "data.mdb").read_bytes()
    arguments = ["convert-tracks", str(folder), "--out", str(tmp_path / "store"), "--json"]
    assert main([*arguments, *(["--link"] if link else [])]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["frames"], result["clips"], result["unlisted"]) == (4, 2, 1)
    store = Store(tmp_path / "store")
    assert (store.head, store.image_size) == ("flame2020", 64)
    assert store.splits() == ("train", "test")
    assert store.clips("train") == ("000002",)
    assert store.frames("000001") == (7, 35)
    assert store.encoded("000001", 35) == files.picture("000001_35")
    frame = store.read("000001", 35)
    assert np.array_equal(frame.track.expression[0], files.record(2)["expcode"])
    assert frame.camera.width == 64
    assert (folder / "img_lmdb" / "data.mdb").read_bytes() == before
    inodes = {(p / "img_lmdb" / "data.mdb").stat().st_ino for p in (folder, tmp_path / "store")}
    assert len(inodes) == (1 if link else 2)


def test_the_smoothed_tracks_are_preferred(folder: Path, tmp_path: Path) -> None:
    files.write_pickle(folder / "smoothed.pkl", {key: files.record(9) for key in KEYS})
    assert main(["convert-tracks", str(folder), "--out", str(tmp_path / "store")]) == 0
    found = Store(tmp_path / "store").read("000001", 7).track.expression[0]
    assert np.array_equal(found, files.record(9)["expcode"])


def test_without_a_split_all_clips_are_for_test(folder: Path, tmp_path: Path) -> None:
    (folder / "dataset.json").unlink()
    assert main(["convert-tracks", str(folder), "--out", str(tmp_path / "store")]) == 0
    assert Store(tmp_path / "store").clips("test") == ("000001", "000002", "000003")


def test_frames_without_track_or_picture_are_left_out_and_reported(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    listed = {**SPLIT, "val": ["000003_1", "000009_4"]}
    (folder / "dataset.json").write_text(json.dumps(listed))
    with lmdb.open(str(folder / "img_lmdb")) as env, env.begin(write=True) as txn:
        txn.delete(b"000001_7")
    assert main(["convert-tracks", str(folder), "--out", str(tmp_path / "s"), "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["frames"], result["without_track"], result["without_image"]) == (4, 1, 1)
    assert result["without_track_for_instance"] == ["000009_4"]
    assert Store(tmp_path / "s").frames("000001") == (35,)


def _cut_images(folder: Path) -> None:
    file = folder / "img_lmdb" / "data.mdb"
    file.write_bytes(file.read_bytes()[:-4096])


def _spoil_images(folder: Path) -> None:
    """The pages after the two of the header are of a kind that they cannot be."""
    file = folder / "img_lmdb" / "data.mdb"
    content = bytearray(file.read_bytes())
    for page in range(2 * 4096, len(content), 4096):
        content[page + 10] = 0x08
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut_images, "truncated"),
        (_spoil_images, "img_lmdb/data.mdb"),
        (lambda f: (f / "optim.pkl").unlink(), "holds no smoothed.pkl or optim.pkl"),
        (lambda f: (f / "dataset.json").write_text('{"train": 5}'), "'train' is no list"),
        (lambda f: (f / "dataset.json").write_text('{"train": ["zz_1"]}'), "None of the 1 listed"),
        (
            lambda f: (f / "dataset.json").write_text(
                json.dumps({"train": ["000001_7"], "test": ["000001_35"]})
            ),
            "is in the splits",
        ),
    ],
)
def test_a_damaged_folder_is_one_error_and_leaves_no_store(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], damage: Any, message: str
) -> None:
    damage(folder)
    assert main(["convert-tracks", str(folder), "--out", str(tmp_path / "store")]) == 1
    assert message in capfd.readouterr().err
    assert not (tmp_path / "store" / "tracks.safetensors").exists()


def test_a_converted_store_takes_more_frames_of_ours(folder: Path, tmp_path: Path) -> None:
    assert main(["convert-tracks", str(folder), "--out", str(tmp_path / "s")]) == 0
    frame = Store(tmp_path / "s").read("000001", 35)
    with StoreWriter(tmp_path / "s", "flame2020", 64) as writer:
        writer.add(type(frame)(**{**vars(frame), "clip": "new", "index": 0}))
        writer.finish({"train": ["new", "000001"]})
    assert Store(tmp_path / "s").clips("train") == ("000001", "new")


def test_no_part_of_ours_unpickles_by_itself() -> None:
    folder = Path(layout.__file__).parent
    for path in folder.glob("*.py"):
        assert "import pickle" not in path.read_text(encoding="utf-8"), path


def test_a_key_that_is_none_is_told_with_its_file(tmp_path: Path) -> None:
    path = files.write_pickle(tmp_path / "optim.pkl", {"000001W0": files.record(0)})
    with pytest.raises(AvatarError, match=r"optim\.pkl: '000001W0' is no frame's key") as caught:
        tracks.load(path)
    assert caught.value.code == "bad_file"
