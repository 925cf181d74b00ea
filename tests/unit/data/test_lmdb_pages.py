"""An LMDB's pages as its own library reads them; and damaged ones, which it would die of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import lmdb
import numpy as np
import pytest

from backend.data import lmdb_file, lmdb_pages
from shared.errors import AvatarError

_PAGE = 4096

_CHILD = """
import sys
from pathlib import Path
from backend.data import lmdb_file
from shared.errors import AvatarError

for folder in map(Path, sys.argv[1:]):
    try:
        writer = lmdb_file.Writer(folder)
        for key in [*sorted(writer.keys())[::40], "new"]:
            writer.get(key)
            writer.put(key, b"other" * 500)
        print("written")
    except AvatarError as error:
        print(error.code)
    finally:
        try:
            writer.close()
        except NameError:
            pass
"""


def _written(folder: Path, keys: int, longest: int, seed: int) -> dict[str, bytes]:
    """An LMDB with a past: keys were deleted and written over, pages are free."""
    rng, chosen = np.random.default_rng(seed), Random(seed)
    values = {
        f"{'k' * (i % 40)}{i}_{i}": rng.bytes(int(rng.integers(0, longest))) for i in range(keys)
    }
    with lmdb.open(str(folder), map_size=1 << 26) as environment:
        for part in range(3):
            with environment.begin(write=True) as transaction:
                for key in chosen.sample(sorted(values), keys // 2) if part else values:
                    transaction.put(key.encode(), values[key])
        for _ in range(4):
            with environment.begin(write=True) as transaction:
                for gone in chosen.sample(sorted(values), keys // 20):
                    transaction.delete(gone.encode())
                    del values[gone]
    return values


@pytest.mark.parametrize(
    ("keys", "longest"), [(0, 1), (1, 10), (3, 9000), (60, 9000), (500, 60), (900, 700)]
)
def test_keys_and_values_are_those_that_lmdb_reads(tmp_path: Path, keys: int, longest: int) -> None:
    values = _written(tmp_path / "l", keys, longest, seed=keys)
    with lmdb.open(str(tmp_path / "l"), readonly=True, lock=False) as env, env.begin() as txn:
        assert {key.decode(): value for key, value in txn.cursor()} == values
    assert lmdb_file.keys(tmp_path / "l") == set(values)
    for key in sorted(values)[:: max(1, len(values) // 100)]:
        assert lmdb_file.get(tmp_path / "l", key) == values[key]
    assert lmdb_file.get(tmp_path / "l", "none") is None
    lmdb_file.Writer(tmp_path / "l").close()


def test_an_lmdb_with_a_long_past_is_sound_at_every_moment(tmp_path: Path) -> None:
    """Its list of free pages grows over many of them, and shrinks."""
    rng, values = np.random.default_rng(3), {}
    with lmdb.open(str(tmp_path / "l"), map_size=1 << 27, sync=False) as environment:
        for step in range(60):
            with environment.begin(write=True) as transaction:
                for number in rng.integers(0, 400, 30 if step % 20 else 400):
                    key = f"k{number}"
                    if rng.random() < (0.9 if step % 20 == 10 else 0.3):
                        transaction.delete(key.encode())
                        values.pop(key, None)
                    else:
                        values[key] = rng.bytes(int(rng.choice((10, 900, 5000, 90_000))))
                        transaction.put(key.encode(), values[key])
            with lmdb_pages.opened(tmp_path / "l") as pages:
                pages.check_free()
            assert lmdb_file.keys(tmp_path / "l") == set(values)
    for key in list(values)[::10]:
        assert lmdb_file.get(tmp_path / "l", key) == values[key]


def _damaged(content: bytes, rng: Random) -> bytes:
    """What a page's head, a list of entries or an entry says is something else."""
    damaged = bytearray(content)
    heads = [at for at in range(0, len(content), _PAGE) if content[at + 10] in (1, 2, 4, 8)]
    for _ in range(rng.choice((1, 1, 3))):
        page = rng.choice(heads)
        at = page + rng.choice((rng.randrange(16), rng.randrange(16, 64), rng.randrange(_PAGE)))
        length = rng.choice((1, 2, 4, 8))
        damaged[at : at + length] = rng.choice(
            (rng.randbytes(length), b"\0" * length, b"\xff" * length, b"\1" * length)
        )
    return bytes(damaged[: len(content)])


def _is_refused(folder: Path) -> bool:
    try:
        for key in lmdb_file.keys(folder):
            lmdb_file.get(folder, key)
    except AvatarError as error:
        return error.code == "bad_file" and str(folder / "data.mdb") in error.message
    return False


def test_damaged_pages_are_errors_to_readers_and_writers_and_kill_neither(tmp_path: Path) -> None:
    values = _written(tmp_path / "l", 120, 2500, seed=1)
    content = (tmp_path / "l" / "data.mdb").read_bytes()
    rng, folders, refused = Random(5), [], 0
    for number in range(60):
        folder = tmp_path / f"d{number}"
        folder.mkdir()
        (folder / "data.mdb").write_bytes(_damaged(content, rng))
        folders.append(str(folder))
        refused += _is_refused(folder)
    assert 10 < refused < 55  # the others changed values only, or what is no longer in use
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *folders], capture_output=True, text=True, check=True
    )
    told = done.stdout.split()
    assert len(told) == len(folders)
    assert set(told) == {"written", "bad_file"}
    assert len(values) == 96


def test_pages_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    _written(tmp_path / "l", 500, 60, seed=2)
    file = tmp_path / "l" / "data.mdb"
    content = bytearray(file.read_bytes())
    with lmdb_pages.opened(tmp_path / "l") as pages:
        root, depth = pages.values.root, pages.values.depth
    assert depth == 2
    first = int.from_bytes(content[root * _PAGE + 16 : root * _PAGE + 18], "little")
    second = int.from_bytes(content[root * _PAGE + 18 : root * _PAGE + 20], "little")
    at = [root * _PAGE + entry for entry in (first, second)]
    content[at[0] : at[0] + 6] = content[at[1] : at[1] + 6]
    file.write_bytes(content)
    with pytest.raises(AvatarError, match="is reached twice"):
        lmdb_file.keys(tmp_path / "l")


_WRITES = """
import sys
from pathlib import Path
from backend.data import lmdb_file

folder, name = Path(sys.argv[1]), sys.argv[2]
writer = lmdb_file.Writer(folder)
for number in range(40):
    writer.put(f"{name}{number}", name.encode() * 2000)
    writer.put("both", str(number).encode() * 900)
    assert f"{name}{number}" in writer.keys()
    assert writer.get(f"{name}0") == name.encode() * 2000
writer.close()
"""


def test_processes_that_write_at_once_see_no_damage(tmp_path: Path) -> None:
    """What one of them reads another does not use again meanwhile."""
    command = [sys.executable, "-c", _WRITES, str(tmp_path / "l")]
    runs = [subprocess.Popen([*command, name], stderr=subprocess.PIPE) for name in "abc"]
    told = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], told
    found = lmdb_file.keys(tmp_path / "l")
    assert found == {"both", *(f"{name}{number}" for name in "abc" for number in range(40))}


def test_an_lmdb_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        lmdb_file.Writer(tmp_path / "file" / "l")
