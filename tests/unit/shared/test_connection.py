"""The connection file: private, atomic, and honest about a dead backend."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from shared.connection import Connection, pid_alive, sweep_connections
from shared.errors import AvatarError
from shared.version import PROTOCOL


def connection(**changes: object) -> Connection:
    facts = {
        "work": "tcp://127.0.0.1:1", "control": "tcp://127.0.0.1:2", "events": "tcp://127.0.0.1:3",
        "server_key": "s", "client_public": "p", "client_secret": "x", "pid": os.getpid(),
        "device": "cpu",
    }  # fmt: skip
    return Connection(**{**facts, **changes})  # type: ignore[arg-type]


def failure(path: Path) -> AvatarError:
    with pytest.raises(AvatarError) as found:
        Connection.load(path)
    return found.value


def test_a_saved_file_loads_again(tmp_path: Path) -> None:
    connection().save(tmp_path / "c.json")
    assert Connection.load(tmp_path / "c.json") == connection()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits")
def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text("older, open to all")
    path.chmod(0o644)
    connection().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_saving_leaves_nothing_else_behind(tmp_path: Path) -> None:
    connection().save(tmp_path / "c.json")
    connection().save(tmp_path / "c.json")
    assert [p.name for p in tmp_path.iterdir()] == ["c.json"]


def test_the_file_of_a_dead_process_is_stale(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    connection(pid=int(ended.stdout)).save(tmp_path / "c.json")
    error = failure(tmp_path / "c.json")
    assert error.code == "backend_died"
    assert "is not running any more" in error.message


def test_a_missing_file_means_no_backend(tmp_path: Path) -> None:
    assert failure(tmp_path / "none.json").code == "backend_died"


def test_another_protocol_is_refused_naming_the_fix(tmp_path: Path) -> None:
    connection(protocol=99).save(tmp_path / "c.json")
    error = failure(tmp_path / "c.json")
    assert error.code == "protocol_mismatch"
    assert f"The backend speaks protocol 99; expected {PROTOCOL}" in error.message
    assert "Install Backend" in error.remedy


@pytest.mark.parametrize("text", ["", "[]", '{"protocol": 3}', '{"protocol": 3, "work": 5}'])
def test_other_content_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    assert failure(tmp_path / "c.json").code in ("bad_file", "protocol_mismatch")


@pytest.mark.parametrize("pid", ["5", 0, -1, 1 << 31, 10**400])
def test_a_wrong_key_is_named(tmp_path: Path, pid: object) -> None:
    facts = asdict(connection())
    facts["pid"] = pid
    (tmp_path / "c.json").write_text(json.dumps(facts))
    assert f"key 'pid': found {pid!r}" in failure(tmp_path / "c.json").message


def test_this_process_is_alive_and_impossible_ones_are_not() -> None:
    assert pid_alive(os.getpid())
    assert not pid_alive(0)
    assert not pid_alive(-1)


def test_connection_files_of_gone_parents_are_swept_away(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid in (gone.pid, os.getpid()):
        (tmp_path / f"connection-{pid}.json").touch()
    (tmp_path / "connection-notes.json").touch()
    sweep_connections(tmp_path)
    kept = {f"connection-{os.getpid()}.json", "connection-notes.json"}
    assert {p.name for p in tmp_path.iterdir()} == kept
