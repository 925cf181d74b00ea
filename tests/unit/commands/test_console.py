"""What all commands share: usage, errors, exit codes; and those that only tell: info, doctor."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backend import __main__ as command_line
from shared.errors import AvatarError
from tests.unit.commands.line import Line


def test_help_lists_every_command_without_importing_torch() -> None:
    code = (
        "import sys; from backend.__main__ import main; code = main(sys.argv[1:]);"
        "assert not {'torch', 'cv2', 'numpy'} & set(sys.modules); sys.exit(code)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )
    for name in command_line.COMMANDS:
        assert name in shown.stdout


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_has_help(line: Line, name: str) -> None:
    assert "--json" in line(name, "--help")


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["create"], ["drive", "a"], ["drive", "a", "--ablate", "hair"]]
)
def test_wrong_usage_exits_with_2(line: Line, arguments: list[str]) -> None:
    assert line(*arguments, code=2) == ""
    assert "usage:" in line.err


def test_an_error_prints_message_and_remedy_and_exits_with_1(line: Line) -> None:
    assert line("create", "/no/such.jpg", code=1) == ""
    assert line.err.splitlines() == ["/no/such.jpg does not exist.", "Check the path."]


def test_with_json_an_error_is_one_json_object(line: Line) -> None:
    error = line.json("create", "/no/such.jpg", code=1)["error"]
    assert error["code"] == "bad_file"
    assert set(error) == {"code", "message", "remedy"}


def test_with_json_only_the_result_is_on_stdout(line: Line, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(b"a portrait")
    line.json("create", tmp_path / "p.jpg")
    assert "a library's chatter" in line.err


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), AvatarError("cancelled", "Cancelled.", "Again.")]
)
def test_a_cancelled_command_exits_with_130(
    line: Line, avatar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(line.pipeline, "drive", interrupted)
    line("drive", avatar, "--out", tmp_path / "o", code=130)
    assert "Cancelled." in line.err


def test_a_mistake_of_ours_is_told_in_words_and_logged_with_its_traceback(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    line.pipeline.faults.name = "bug"
    (tmp_path / "p.jpg").write_bytes(b"a portrait")
    line("create", tmp_path / "p.jpg", code=1)
    log = tmp_path / "commands.log"
    assert "ZeroDivisionError: a mistake" in log.read_text()
    assert "Something went wrong inside SplitAvatar: a mistake." in line.err
    assert str(log) in line.err
    assert "Traceback" not in line.err
    assert "Error" not in line.err


def test_bars_appear_only_after_a_second() -> None:
    from backend.commands.console import Console

    shown = io.StringIO()
    real, sys.stderr = sys.stderr, shown
    try:
        console = Console()
        for step in range(50):
            console.progress("quick", step, 50)
        console.close()
    finally:
        sys.stderr = real
    assert shown.getvalue() == ""


# ---- info, doctor


def test_info_tells_versions_and_presets(line: Line) -> None:
    assert {"version", "protocol", "presets"} <= set(line.json("info"))
    assert line.json("info", "open")["preset"] == "open"


def test_info_reads_an_avatar_s_header(line: Line, tmp_path: Path) -> None:
    torch, safetensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    path = tmp_path / "a.savatar"
    safetensors.save_file({"means": torch.zeros(7, 3)}, path, {"format": "savatar-1"})
    facts = line.json("info", path)
    assert facts["format"] == "savatar-1"
    assert facts["arrays"] == {"means": [7, 3]}
    headers = (b"[]", b"{}{", b'{"a": 5}', b'{"__metadata__": 5}', b"[" * 100_000)
    damaged = [len(header).to_bytes(8, "little") + header for header in headers]
    for content in (b"\xff" * 20, *damaged):
        path.write_bytes(content)
        assert line.json("info", path, code=1)["error"]["code"] == "bad_file"


def test_doctor_lists_every_download_with_place_and_licence(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    (tmp_path / "flame").mkdir()
    (tmp_path / "flame" / "flame2023_Open.pkl").touch()
    report = line.json("doctor")
    found = {d["file"]: d["found"] for d in report["downloads"]}
    assert found.pop("flame/flame2023_Open.pkl")
    assert found
    assert not any(found.values())
    assert all(d["enables"] and d["licence"] and d["where"] for d in report["downloads"])
    assert report["assets_folder"] == str(tmp_path)
    assert report["packages"]["numpy"] == np.__version__
    assert report["devices"][0]["device"] == "cpu"
