"""A store gives back what was written, and says what is wrong with a damaged one."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
import safetensors.numpy

from backend.data import layout, lmdb_file
from backend.data.frame import Frame
from backend.data.store import Store, StoreWriter
from backend.data.store_files import rows_by_clip
from backend.tracking.decode import decode
from shared.camera import Camera, portrait_intrinsics
from shared.errors import AvatarError
from shared.flame import Track

SIZE = 64


def made(clip: str, index: int, matte: bool = True) -> Frame:
    """A frame of which everything follows from its name."""
    rng = np.random.default_rng([len(clip), index])
    smooth = cv2.resize(rng.integers(0, 255, (4, 4, 3), np.uint8), (SIZE, SIZE))
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[:3, 3] = [*rng.normal(0, 0.01, 2), 1.8]
    return Frame(
        clip=clip,
        index=index,
        image=smooth,
        camera=Camera(viewmat, portrait_intrinsics(SIZE), SIZE, SIZE),
        track=Track.neutral(
            1,
            expression=rng.random((1, 100)),
            leye_pose=rng.normal(0, 0.1, (1, 3)),
            betas=rng.normal(0, 1, 300),
            fps=5.0,
        ),
        box=np.array([0.2, 0.1, 0.8, 0.9], np.float32),
        alpha=rng.integers(0, 255, (SIZE, SIZE), np.uint8) if matte else None,
    )


def write(path: Path, frames: list[Frame], splits: dict[str, list[str]] | None = None) -> Path:
    with StoreWriter(path, "open", SIZE) as writer:
        for frame in frames:
            writer.add(frame)
        writer.finish(splits or {"train": sorted({frame.clip for frame in frames})})
    return path


FRAMES = [made("b_2", 10), made("b_2", 5), made("a", 0), made("a", 100), made("a", 20)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(
        tmp_path_factory.mktemp("stores") / "whole", FRAMES, {"test": ["a"], "val": ["b_2"]}
    )


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole, tmp_path / "store"))


def refused(path: Path, clip: str = "a", index: int = 20) -> AvatarError:
    with pytest.raises(AvatarError) as caught:
        Store(path).read(clip, index)
    assert caught.value.code == "bad_file"
    return caught.value


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
    lmdb_file.check_whole(tmp_path / "l")


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
