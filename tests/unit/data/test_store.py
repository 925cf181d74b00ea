"""A store gives back what was written, to many readers, and takes nothing wrong in."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import threading
from pathlib import Path

import lmdb
import numpy as np
import pytest

from backend.data import layout, lmdb_file
from backend.data.frame import Frame
from backend.data.store import Store, StoreWriter
from backend.data.store_files import rows_by_clip
from backend.tracking.decode import decode
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track
from tests.unit.data.stores import FRAMES, SIZE, made, refused, write


def test_a_store_gives_back_what_was_written(whole: Path) -> None:
    store = Store(whole)
    assert (store.head, store.image_size, len(store)) == ("open", SIZE, 5)
    for frame in FRAMES:
        found = store.read(frame.clip, frame.index)
        assert np.array_equal(found.camera.viewmat, frame.camera.viewmat)
        assert np.array_equal(found.camera.K, frame.camera.K)
        assert found.camera.width == found.camera.height == SIZE
        for name, value in frame.track.to_arrays().items():
            assert np.array_equal(found.track.to_arrays()[name], value), name
        assert (found.track.fps, found.track.head) == (5.0, "open")
        assert np.array_equal(found.box, frame.box)
        assert found.alpha is not None
        assert frame.alpha is not None
        assert np.array_equal(found.alpha, frame.alpha)
        assert np.abs(found.image.astype(int) - frame.image).mean() < 1.5  # JPEG


def test_clips_are_sorted_by_name_and_frames_by_number(whole: Path) -> None:
    store = Store(whole)
    assert store.splits() == ("val", "test")
    assert store.clips("test") == ("a",)
    assert store.frames("a") == (0, 20, 100)
    assert store.frames("b_2") == (5, 10)


def test_the_databases_are_plain_lmdb_of_jpeg_under_the_baselines_keys(whole: Path) -> None:
    with lmdb.open(str(whole / "img_lmdb"), readonly=True, lock=False) as env, env.begin() as txn:
        keys = [key.decode() for key in txn.cursor().iternext(values=False)]
        assert sorted(keys) == ["a_0", "a_100", "a_20", "b_2_10", "b_2_5"]
        data = txn.get(b"a_20") or b""
    assert data[:2] == b"\xff\xd8"
    assert decode(data).rgb.shape == (SIZE, SIZE, 3)


def test_nothing_in_a_store_is_a_pickle(whole: Path) -> None:
    names = {p.relative_to(whole).as_posix() for p in whole.rglob("*") if p.is_file()}
    assert {n for n in names if not n.endswith("lock.mdb")} == {
        "meta.json",
        "split.json",
        "tracks.safetensors",
        "img_lmdb/data.mdb",
        "matte_lmdb/data.mdb",
    }


def test_a_store_without_mattes_reads_none(tmp_path: Path) -> None:
    store = Store(write(tmp_path / "s", [made("a", 0, matte=False)]))
    assert store.read("a", 0).alpha is None


def test_a_writer_goes_on_where_another_one_was_stopped(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", "open", SIZE) as writer:
        writer.add(FRAMES[0])
    with pytest.raises(AvatarError, match="was begun and never finished"):
        Store(tmp_path / "s")
    with StoreWriter(tmp_path / "s", "open", SIZE) as writer:
        assert writer.has("b_2", 10)
        assert not writer.has("b_2", 5)
        writer.add(FRAMES[0])
        writer.add(FRAMES[1])
        writer.finish({"train": ["b_2"]})
    assert Store(tmp_path / "s").frames("b_2") == (5, 10)


def test_a_finished_store_takes_more_clips(store: Path) -> None:
    with StoreWriter(store, "open", SIZE) as writer:
        writer.add(made("c", 1))
        assert Store(store).splits() == ("val", "test")
        writer.finish({"train": ["c", "a"], "val": ["b_2"]})
    read = Store(store)
    assert read.clips("train") == ("a", "c")
    assert np.array_equal(read.read("c", 1).box, made("c", 1).box)
    assert np.array_equal(read.read("a", 20).track.expression, made("a", 20).track.expression)


def test_the_map_grows_with_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmdb_file.Writer, "_START_BYTES", 1 << 16)
    rng = np.random.default_rng(0)
    values = {f"a_{i}": rng.bytes(40_000) for i in range(30)}
    writer = lmdb_file.Writer(tmp_path / "l")
    for key, value in values.items():
        writer.put(key, value)
    assert all(writer.get(key) == value for key, value in values.items())
    writer.close()
    with lmdb.open(str(tmp_path / "l"), readonly=True, lock=False) as env, env.begin() as txn:
        assert {key.decode(): value for key, value in txn.cursor()} == values


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"head": "flame2023"}, "head_mismatch", "the head 'open', not 'flame2023'"),
        ({"image_size": 128}, "bad_request", "64 pixels, not 128"),
    ],
)
def test_a_writer_keeps_to_the_store_it_finds(
    store: Path, change: dict, code: str, message: str
) -> None:
    with pytest.raises(AvatarError, match=message) as caught:
        StoreWriter(store, **{"head": "open", "image_size": SIZE, **change})
    assert caught.value.code == code


def _kinds_of_wrong_frames() -> dict[str, tuple[dict, str]]:
    good = made("a", 1)
    turned = Track.neutral(1, betas=np.zeros(300), neck_pose=np.full((1, 3), 0.1))
    nan = np.diag([1.0, -1, -1, 1]) * np.nan
    return {
        "size": ({"image": good.image[:10]}, "image is uint8 (10, 64, 3)"),
        "matte": ({"alpha": good.image}, "alpha is uint8 (64, 64, 3)"),
        "motion": ({"track": turned}, "neck_pose"),
        "identity": ({"track": Track.neutral(1)}, "betas False"),
        "camera": ({"camera": Camera(nan, good.camera.K, SIZE, SIZE)}, "'viewmat' is wrong"),
        "box": ({"box": np.array([0.5, 0, 0.5, 1])}, "x0 < x1"),
        "head": ({"track": Track.neutral(1, head="flame2020")}, "the head 'flame2020'"),
        "key": ({"clip": "a\nb"}, "cannot be stored"),
    }


@pytest.mark.parametrize("kind", _kinds_of_wrong_frames())
def test_a_wrong_frame_is_refused_when_written(tmp_path: Path, kind: str) -> None:
    change, message = _kinds_of_wrong_frames()[kind]
    with StoreWriter(tmp_path / "s", "open", SIZE) as writer:
        with pytest.raises(AvatarError) as caught:
            writer.add(Frame(**{**vars(made("a", 1)), **change}))
        assert message in caught.value.message
        assert not writer.has("a", 1)


def test_frames_with_and_without_matte_do_not_mix(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", "open", SIZE) as writer:
        writer.add(made("a", 1))
        with pytest.raises(AvatarError, match="'a_2' has no matte, unlike the 1 others"):
            writer.add(made("a", 2, matte=False))


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"train": ["a", "zzz"]}, "'train' names the clip 'zzz', which has no frames"),
        ({"train": ["a"], "val": ["a"]}, "'a' is in the splits 'train' and 'val'"),
        ({"training": ["a"]}, "expected some of"),
        ({}, "expected some of"),
    ],
)
def test_wrong_splits_are_refused_when_written_and_when_read(
    store: Path, splits: dict, message: str
) -> None:
    with StoreWriter(store, "open", SIZE) as writer, pytest.raises(AvatarError) as caught:
        writer.finish(splits)
    assert caught.value.code == "bad_request"
    assert message in caught.value.message
    (store / "split.json").write_text(json.dumps(splits))
    assert message in refused(store).message


def _read_all(path: str) -> float:
    store = Store(path)
    return sum(float(store.read(f.clip, f.index).image.mean()) for f in FRAMES)


def test_threads_and_two_stores_of_one_folder_read_at_once(whole: Path) -> None:
    expected, found = _read_all(str(whole)), []
    shared = Store(whole)

    def work() -> None:
        mine = Store(whole)
        for _ in range(5):
            found.append(
                sum(
                    float(s.read(f.clip, f.index).image.mean())
                    for f, s in zip(FRAMES, [shared, mine] * 3, strict=False)
                )
            )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 20


def test_a_store_survives_fork_and_pickling(whole: Path) -> None:
    store = Store(whole)
    expected = store.read("a", 20)
    copy = pickle.loads(pickle.dumps(store))
    assert np.array_equal(copy.read("a", 20).image, expected.image)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        sender.send(store.read("a", 20).image)

    process = context.Process(target=child)
    process.start()
    sender.close()
    assert np.array_equal(receiver.recv(), expected.image)
    process.join()
    assert process.exitcode == 0
    assert np.array_equal(store.read("a", 20).image, expected.image)


def test_one_frame_twice_under_two_keys_is_refused() -> None:
    with pytest.raises(AvatarError, match="frame 5 twice"):
        rows_by_clip(["a_5", "a_05"])


@pytest.mark.parametrize("key", ["a", "a_", "_5", "a_x"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(AvatarError, match="no frame's key"):
        layout.parse_key(key)
