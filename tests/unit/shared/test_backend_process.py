"""What the backend's process gets, and what its end says."""

import os
import signal
import sys
from pathlib import Path

import pytest

from shared.backend_process import backend_environment, ended


def test_the_environment_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "elsewhere")
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)  # a machine may have a word of its own
    found = backend_environment()
    assert "PYTHONHOME" not in found
    assert "PYTHONPATH" not in found
    assert "PYTHONPYCACHEPREFIX" not in found
    assert found["KEPT"] == "1"
    assert found["OMP_WAIT_POLICY"] == "passive"
    assert found["PYTHONDONTWRITEBYTECODE"] == "1"
    assert os.environ["PYTHONHOME"] == "/elsewhere"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "memory runs out"),
        (signal.SIGABRT, "crashed in native code"),
        (signal.SIGSEGV, "crashed in native code"),
    ],
)
def test_a_signal_is_told_in_a_user_s_words(tmp_path: Path, number: int, words: str) -> None:
    error = ended(-number, tmp_path / "backend.log")
    assert words in error.message
    assert error.message.count(".") == 1
    assert not {str(int(number)), "signal", "SIG"} & set(error.message.split())
    assert str(tmp_path / "backend.log") in error.remedy
    assert "support bundle" in error.remedy


def test_windows_codes_of_crashes_are_told_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    for code in (0xC0000005, 0xC0000409 - (1 << 32)):
        assert ended(code, tmp_path / "log").message == "The backend crashed in native code."


def test_a_backend_that_gave_up_says_its_last_words_whole(tmp_path: Path) -> None:
    log = tmp_path / "backend.log"
    why = "No module named 'torch' " + "x" * 1500
    log.write_text(f"Traceback:\n  File x\nModuleNotFoundError: {why}\n")
    assert ended(1, log).message == f"The backend ended unexpectedly: {why}."
    log.unlink()
    assert ended(1, log).message == "The backend ended unexpectedly."
