"""A little of the fuzz, so that it cannot rot; `build_addon.py fuzz` runs it at length."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.guard import Guard
from tests.fuzz.misbehaving import MISBEHAVING
from tests.fuzz.rounds import FAILED, Samples, outcome, readers

ROUNDS = 20
READERS = readers()


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard()


@pytest.mark.filterwarnings("default")  # what damaged files are worth a warning is theirs to say
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_give_a_value_or_one_error(name: str, guard: Guard, tmp_path: Path) -> None:
    samples = Samples(READERS[name], tmp_path / "samples")
    for number in range(ROUNDS):
        folder = tmp_path / f"round{number}"
        folder.mkdir()
        path = samples.damaged(folder, Random(f"a little {name} {number}"))
        kind, words = outcome(READERS[name], path, folder, guard)
        assert kind != FAILED, f"round {number}: {words}"


SEEN = {
    "crash": "its process died; exit code -11",
    "hang": "takes more than 1 s",
    "outside": "did what it must not: open",
    "run": "did what it must not: subprocess.Popen",
    "memory": "MemoryError",
    "pickle": "did what it must not: exec",
    "raise": "ZeroDivisionError: of no use to anybody",
    "unnamed": "does not name its file: Something is wrong.",
    "internal": "has the code internal",
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits and exit codes are those of Linux")
@pytest.mark.parametrize("name", MISBEHAVING)
def test_what_a_reader_must_not_do_is_seen_and_its_file_kept(name: str, tmp_path: Path) -> None:
    patience_s = 1.0 if name == "hang" else 60.0
    tally = Campaign(name, seed=1, keep=tmp_path, last=2, round_s=patience_s).run()
    assert tally.counts[FAILED] >= 1
    first = tally.failures[0]
    assert SEEN[name] in first
    again = f"--only {name} --seed 1 --first "
    assert first.startswith(again)
    number = first.removeprefix(again).split()[0]
    assert (tmp_path / f"{name}-1-{number}" / "a.bin").is_file()


def test_the_same_seed_damages_alike(tmp_path: Path) -> None:
    samples = Samples(READERS["splits"], tmp_path / "samples")
    made = []
    for attempt in ("a", "b", "c"):
        (tmp_path / attempt).mkdir()
        path = samples.damaged(tmp_path / attempt, Random("1" if attempt < "c" else "2"))
        made.append(path.read_bytes())
    assert made[0] == made[1] != made[2]
