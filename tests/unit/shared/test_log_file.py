"""Logs are continued, bounded, and say why a process ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared import log_file
from shared.log_file import LogFile, append, files, last_words


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LOG_BYTES", 10)


def test_a_large_log_makes_room_and_old_ones_go(tmp_path: Path, small: None) -> None:
    log = tmp_path / "backend.log"
    for text in ("first start", "second start", "third start!", "fourth start"):
        log.write_text(text)
        LogFile(log).close()
    assert [path.read_text() for path in files(log)] == [
        "", "fourth start", "third start!", "second start",
    ]  # fmt: skip


def test_a_small_log_is_continued(tmp_path: Path) -> None:
    append(tmp_path / "new" / "x.log", "one", "first")
    append(tmp_path / "new" / "x.log", "two", "second\n")
    lines = (tmp_path / "new" / "x.log").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["one", "first", "two", "second"]


PRINTER = "import os\nwhile os.read(0, 1): os.write(2, b'0123456789ab\\n')"


def test_a_log_is_bounded_while_a_process_prints_into_it(tmp_path: Path, small: None) -> None:
    log = LogFile(tmp_path / "x.log")
    with subprocess.Popen(
        [sys.executable, "-c", PRINTER], stdin=subprocess.PIPE, stderr=log.stream
    ) as child:
        assert child.stdin is not None
        for printed in range(6):
            child.stdin.write(b".")
            child.stdin.flush()
            while log.path.stat().st_size < 13:
                assert child.poll() is None
            assert log.path.read_bytes() == b"0123456789ab\n", printed
            log.bound()
    log.close()
    assert len(files(log.path)) == 1 + log_file.LOGS_KEPT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("---- 2026 python\n", ""),
        ("a reason\n\n", "a reason"),
        ("Traceback\n  File x\nValueError: a reason\n", "a reason"),
        (
            "F0 failed\nFatal Python error: Aborted\n\nThread 0x1:\n  File x",
            "F0 failed",
        ),
        ("old reason\n---- 2026 python\n", ""),
    ],
)
def test_the_last_words_are_those_of_the_last_process(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "x.log"
    assert last_words(path) == ""
    path.write_text(text)
    assert last_words(path) == words
