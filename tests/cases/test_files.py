"""Files out: names, true reasons, formats for readers that insist."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from backend.commands.options import frame_range
from backend.data import convert_tracks, lmdb_file
from backend.export import ply
from backend.export.mp4 import Mp4Writer
from backend.rendering import batch
from backend.serving.failures import as_avatar_error
from shared.atomic import check_writable, write_bytes
from shared.errors import AvatarError
from shared.flame import Track
from shared.os_errors import os_error
from shared.progress import silent
from tests.fakes.fake_pipeline import FakeAvatar, FakePipeline
from tests.unit.commands.conftest import avatar, line  # noqa: F401 - fixtures
from tests.unit.commands.line import Line

# ---- why a file cannot be written


@pytest.mark.parametrize(
    ("number", "words", "remedy"),
    [
        (errno.ENOSPC, "The disk of /a/b.png is full.", "Free some space"),
        (errno.EDQUOT, "Your share of the disk of /a/b.png is used up.", "Free some space"),
        (errno.EACCES, "/a/b.png may not be read or written by you.", "Choose another folder"),
        (errno.EPERM, "/a/b.png may not be read or written by you.", "Choose another folder"),
        (errno.EROFS, "The disk of /a/b.png can only be read.", "Choose another folder"),
        (errno.ENAMETOOLONG, "/a/b.png is too long (5 characters", "shorter name"),
        (errno.ENOTDIR, "a part of its path is a file", "move that file away"),
        (errno.EEXIST, "/a/b.png is a file, where a folder", "move that file away"),
        (errno.EISDIR, "/a/b.png is a folder, where a file", "move that folder away"),
        (errno.ENOENT, "/a/b.png does not exist.", "Check the path."),
        (errno.EFBIG, "larger than its disk takes", "FAT32 ends at 4 GB"),
        (errno.EBUSY, "in use by another program", "Close it there"),
        (errno.EIO, "reports a fault", "another disk"),
        (errno.EXDEV, "/a/b.png lies on another disk.", "the same disk"),
    ],
)
def test_every_reason_has_its_own_words(number: int, words: str, remedy: str) -> None:
    found = as_avatar_error(OSError(number, os.strerror(number), "/a/b.png"))
    assert words in found.message
    assert remedy in found.remedy
    full = number in (errno.ENOSPC, errno.EDQUOT)
    assert found.code == ("disk_full" if full else "bad_file"), "a full disk is one of many"


def test_a_reason_without_words_is_told_as_the_system_tells_it() -> None:
    found = os_error(OSError(errno.ENOSYS, "Function not implemented", "/a"))
    assert found.message == "/a: Function not implemented."
    assert os_error(OSError("odd")).message == "odd."


def refusal(path: Path) -> AvatarError:
    errors = []
    for write in (lambda: write_bytes(path, b"x"), lambda: check_writable(path)):
        with pytest.raises(OSError) as caught:
            write()
        errors.append(as_avatar_error(caught.value))
    assert errors[0].message == errors[1].message, "as before the work, so after it"
    return errors[0]


def test_real_obstacles_are_told_and_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert "is a file, where a folder was" in refusal(tmp_path / "file" / "a.png").message
    assert "a part of its path is a file" in refusal(tmp_path / "file" / "b" / "a.png").message
    assert f"{tmp_path / 'folder.png'} is a folder" in refusal(tmp_path / "folder.png").message
    long = refusal(tmp_path / ("x" * 300 + ".png"))
    assert "is too long (304 characters" in long.message
    assert sorted(tmp_path.rglob("*")) == before


def test_the_longest_name_that_a_disk_takes_is_written(tmp_path: Path) -> None:
    """What is written first under another name must not be longer."""
    path = tmp_path / ("x" * 251 + ".png")
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_video_that_cannot_be_written_does_not_blame_the_encoder(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(OSError) as caught, Mp4Writer(tmp_path / "a.mp4", 25, (16, 16)) as writer:
        writer.add(np.zeros((16, 16, 3), np.uint8))
    assert "a.mp4 is a folder, where a file was expected" in as_avatar_error(caught.value).message


def test_what_cannot_be_written_is_told_before_the_work(line: Line, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "me.png").write_bytes(b"a portrait")
    (tmp_path / "file").write_text("")
    line("create", tmp_path / "me.png", "--out", tmp_path / "file" / "a.savatar", code=1)
    assert "is a file, where a folder was expected" in line.err
    assert line.pipeline.drives == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.parent.write_text(""), "made is a file, where a folder was expected"),
        (lambda path: path.mkdir(parents=True), "new.flame.npz is a folder, where a file was"),
    ],
)
def test_a_track_that_cannot_be_written_says_why_as_all_files_do(
    line: Line,  # noqa: F811
    tmp_path: Path,
    make: Callable[[Path], object],
    words: str,
) -> None:
    Track.neutral(2).save(tmp_path / "old.flame.npz")
    out = tmp_path / "made" / "new.flame.npz"
    make(out)
    before = sorted(tmp_path.rglob("*"))
    line("convert-tracks", tmp_path / "old.flame.npz", "--out", out, code=1)
    assert words in line.err
    assert sorted(tmp_path.rglob("*")) == before
    out = tmp_path / f"{'x' * 245}.flame.npz"
    line("convert-tracks", tmp_path / "old.flame.npz", "--out", out)
    assert len(Track.load(out)) == 2, "the longest name that a disk takes"


def test_a_full_disk_is_told_with_the_tracks_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError) as caught:
        Track.neutral(2).save(tmp_path / "a.flame.npz")
    assert (
        f"The disk of {tmp_path / 'a.flame.npz'} is full." in as_avatar_error(caught.value).message
    )


def test_a_data_set_on_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMDB tells of half a page as of any other fault of the disk."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=4096))
    told = lmdb_file._unwritten(lmdb.Error("mdb_txn_commit: Input/output error"), tmp_path)
    assert (told.code, told.message) == ("disk_full", f"The disk of {tmp_path} is full.")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 40))
    told = lmdb_file._unwritten(lmdb.Error("mdb_txn_commit: Input/output error"), tmp_path)
    assert told.code == "bad_file"
    assert "Input/output error" in told.message


def test_a_link_to_another_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set's pictures, shared instead of copied."""

    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source), None, str(target))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(AvatarError, match=r"data\.mdb lies on another disk") as caught:
        convert_tracks._give(tmp_path / "a.mdb", tmp_path / "s" / "data.mdb", True, silent)
    assert "Leave --link out" in caught.value.remedy


# ---- nothing is written over


def test_another_photos_avatar_is_not_written_over(line: Line, tmp_path: Path) -> None:  # noqa: F811
    """me.jpg and me.png would both become me.savatar."""
    for name in ("me.jpg", "me.png"):
        (tmp_path / name).write_bytes(name.encode())
    facts = {"__metadata__": {"image_hash": hashlib.sha256(b"me.jpg").hexdigest()}}
    header = json.dumps(facts).encode()
    made = len(header).to_bytes(8, "little") + header
    (tmp_path / "me.savatar").write_bytes(made)
    line("create", tmp_path / "me.png", code=1)
    assert "me.savatar is there already, and was not made of this photo." in line.err
    assert "--out" in line.err
    assert (tmp_path / "me.savatar").read_bytes() == made
    line("create", tmp_path / "me.jpg")
    assert (tmp_path / "me.savatar").read_bytes() != made


def test_driving_pictures_are_not_written_over(line: Line, avatar: Path, tmp_path: Path) -> None:  # noqa: F811
    folder = tmp_path / "shots"
    folder.mkdir()
    Image.new("RGB", (40, 30)).save(folder / "a.png")
    before = hashlib.sha256((folder / "a.png").read_bytes()).digest()
    line("reenact", avatar, folder, "--out", folder, code=1)
    assert "a.png would be written over, but is read here." in line.err
    assert hashlib.sha256((folder / "a.png").read_bytes()).digest() == before


# ---- frames


def shots(out: Path, frames: tuple[int, ...]) -> batch.Shots:
    return batch.Shots(FakeAvatar(b"p"), "a1", Track.neutral(len(frames)), frames, out, "n")


def test_frames_before_nought_have_files_of_their_own(tmp_path: Path) -> None:
    wanted = shots(tmp_path, (-2, -1, 0, 1, 2))
    files = batch.export_ply(FakePipeline(), wanted, "blender", False, silent)
    assert [path.name for path in files] == [
        "n_-0002.ply", "n_-0001.ply", "n_0000.ply", "n_0001.ply", "n_0002.ply",
    ]  # fmt: skip
    assert all(path.is_file() for path in files)
    assert shots(tmp_path, (-12345, 7)).path(0, ".png").name == "n_-12345.png"
    assert shots(tmp_path, (-12345, 7)).path(1, ".png").name == "n_00007.png"


@pytest.mark.parametrize(
    ("text", "numbers"), [("-2-2", range(-2, 3)), ("-2", range(-2, -1)), ("-2--1", range(-2, 0))]
)
def test_ranges_may_begin_before_nought(text: str, numbers: range) -> None:
    assert frame_range(text, -5, 5) == numbers


# ---- PLY for readers that insist


def test_ply_of_degree_three_has_the_62_numbers_of_the_first_viewers(tmp_path: Path) -> None:
    """Their names and order as INRIA's code writes them: x y z, normals, f_dc, f_rest, ..."""
    cloud = FakePipeline().drive(FakeAvatar(b"p"), Track.neutral(1))
    for degree in (0, 3):
        ply.write_ply(tmp_path / f"{degree}.ply", cloud, sh=degree)
    head, _, body = (tmp_path / "3.ply").read_bytes().partition(b"end_header\n")
    rows = head.decode().splitlines()
    names = [row.split()[2] for row in rows if row.startswith("property")]
    assert names == [
        "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2",
        *(f"f_rest_{i}" for i in range(45)),
        "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
    ]  # fmt: skip
    table = np.frombuffer(body, "<f4").reshape(-1, 62)
    assert not table[:, 9:54].any()
    plain, full = (ply.read_ply(tmp_path / f"{degree}.ply") for degree in (0, 3))
    for name in ("means", "quats", "scales", "opacities", "rgb"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(full, name))


def test_another_degree_is_refused_before_the_work(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    with pytest.raises(AvatarError, match="Degree 2 was asked for"):
        batch.export_ply(pipeline, shots(tmp_path, (1,)), "blender", False, silent, sh=2)
    assert pipeline.drives == 0
