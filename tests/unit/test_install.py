"""The installer's plans, locks and command line; tests/package makes real environments."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker

from backend.install import ENVIRONMENTS, MARKER, InstallError, plan
from backend.installer import machine
from backend.installer import plan as planning
from backend.installer.locks import LOCKS, Pin, applies, read_lock
from backend.installer.run import STARTED

HERE = (sys.version_info[0], sys.version_info[1])


def test_another_environment_name_is_refused() -> None:
    with pytest.raises(InstallError, match="Expected one of backend, research, dev"):
        plan("nonsense", Path("nowhere"))


# --- torch --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gpu", "variant"), [(False, "cpu"), (True, "cuda")])
def test_auto_takes_cuda_only_with_an_nvidia_gpu(
    gpu: bool, variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "has_nvidia", lambda: gpu)
    assert plan("backend", tmp_path / "environment").torch == variant


def test_a_cpu_installation_has_no_cuda_package(tmp_path: Path) -> None:
    wanted = plan("backend", tmp_path / "environment", torch="cpu")
    names = {pin.name for pin in wanted.pins}
    assert "torch" in names
    assert not [n for n in names if n.startswith(("nvidia", "cuda", "triton"))]
    assert wanted.download_bytes < 1_000_000_000


def test_a_cuda_installation_brings_cuda_libraries(tmp_path: Path) -> None:
    names = {pin.name for pin in plan("backend", tmp_path / "e", torch="cuda").pins}
    assert {"nvidia-cudnn-cu13", "triton", "torch"} <= names


def test_a_platform_without_an_accepted_torch_wheel_is_told(tmp_path: Path) -> None:
    markers = dict(machine.probe(sys.executable).markers)
    markers |= {"platform_machine": "riscv64"}
    with pytest.raises(InstallError, match="no cpu wheel of torch for Python") as raised:
        planning._choose_torch("cpu", markers)
    assert raised.value.code == "wheel_not_accepted"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="CPU wheels of Linux")
def test_a_python_without_a_cpu_wheel_is_told_which_python_has_one(tmp_path: Path) -> None:
    markers = planning._as(machine.probe(sys.executable).markers, "3.13")
    with pytest.raises(InstallError, match="no cpu wheel of torch") as raised:
        planning._choose_torch("cpu", markers | {"platform_machine": "x86_64"})
    assert raised.value.remedy == "Choose a Python 3.11, or another torch source."


def test_windows_with_a_gpu_but_no_listed_cuda_wheel_says_that_the_cpu_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "has_nvidia", lambda: True)
    monkeypatch.setattr(planning, "_accepts_torch", lambda variant, markers: variant == "cpu")
    variant, _, notices = planning._choose_torch("auto", {"sys_platform": "win32"})
    assert variant == "cpu"
    assert "the CPU is used" in notices[0]


@pytest.mark.parametrize(
    ("machine_name", "words"),
    [
        ("x86_64", "11 GB more of disk; a Python 3.11 would spare that."),
        ("aarch64", "11 GB more of disk."),
    ],
)
def test_linux_without_a_gpu_and_a_cpu_wheel_gets_the_cuda_build_and_a_word(
    monkeypatch: pytest.MonkeyPatch, machine_name: str, words: str
) -> None:
    monkeypatch.setattr(planning, "has_nvidia", lambda: False)
    here = planning._as(machine.probe(sys.executable).markers, "3.13")
    markers = here | {"sys_platform": "linux", "platform_machine": machine_name}
    variant, _, notices = planning._choose_torch("auto", markers)
    assert variant == "cuda"
    assert "works on the CPU too" in notices[0]
    assert notices[0].endswith(words)


_PLATFORMS = {
    "Linux x86-64": ("linux", "x86_64"),
    "Linux ARM": ("linux", "aarch64"),
    "Windows x86-64": ("win32", "AMD64"),
    "macOS ARM": ("darwin", "arm64"),
    "Windows ARM": ("win32", "ARM64"),
    "macOS x86-64": ("darwin", "x86_64"),
}


def test_the_table_in_the_documentation_tells_what_the_locks_accept(repository: Path) -> None:
    text = (repository / "docs" / "install.md").read_text(encoding="utf-8")
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in _PLATFORMS and len(cells) == 3:
            rows[cells[0]] = dict(zip(("cpu", "cuda"), cells[1:], strict=True))
    assert rows.keys() == _PLATFORMS.keys()
    here = machine.probe(sys.executable).markers
    for name, (system, processor) in _PLATFORMS.items():
        markers = here | {"sys_platform": system, "platform_machine": processor}
        for variant, told in rows[name].items():
            pythons = planning._pythons_with(variant, markers)
            ends = dict.fromkeys((pythons[0], pythons[-1])) if pythons else {}
            accepted = [f"Python {' to '.join(ends)}"] if ends else ["not yet", "there is none"]
            assert told in accepted, (name, variant)


def test_what_every_python_and_platform_needs_is_in_the_locks() -> None:
    """But for torch, all of it has wheels for the platforms of the table's first four rows."""
    for environment in ("backend", "research"):
        pins = read_lock(LOCKS / f"{environment}.txt")
        for system, processor in list(_PLATFORMS.values())[:4]:
            found = set()
            for major, minor in ENVIRONMENTS[environment].pythons:
                version = {"python_version": f"{major}.{minor}"}
                version["python_full_version"] = f"{major}.{minor}.1"
                facts = {"sys_platform": system, "platform_machine": processor, **version}
                here = machine.probe(sys.executable).markers | facts
                names = [pin.name for pin in pins if applies(pin.marker, here)]
                assert len(names) == len(set(names)), (system, version)
                found.add(frozenset(names))
            assert {"numpy", "scipy", "mediapipe", "av"} <= frozenset.intersection(*found)


# --- locks --------------------------------------------------------------------------------------

LOCK_FILES = sorted(path.name for path in LOCKS.glob("*.txt"))


@pytest.mark.parametrize("name", LOCK_FILES)
def test_every_pin_of_a_lock_has_hashes_and_no_address(name: str) -> None:
    pins = read_lock(LOCKS / name)
    assert pins
    assert [pin.name for pin in pins if not pin.hashes] == []
    text = (LOCKS / name).read_text()
    assert "://" not in text
    assert len(pins) == text.count("==") - sum(pin.marker.count("==") for pin in pins)


@pytest.mark.parametrize("name", LOCK_FILES)
def test_markers_mean_what_the_packaging_library_says(name: str) -> None:
    base = machine.probe(sys.executable).markers
    platforms = [
        {"sys_platform": "linux", "platform_machine": "x86_64"},
        {"sys_platform": "linux", "platform_machine": "aarch64"},
        {"sys_platform": "win32", "platform_machine": "AMD64"},
        {"sys_platform": "darwin", "platform_machine": "arm64"},
    ]
    versions = [
        {"python_version": v, "python_full_version": f"{v}.9"} for v in ("3.11", "3.13", "3.14")
    ]
    for pin in read_lock(LOCKS / name):
        for platform in platforms:
            for version in versions:
                markers = base | platform | version
                wanted = not pin.marker or Marker(pin.marker).evaluate(dict(markers))
                assert applies(pin.marker, markers) == wanted, (pin.marker, markers)


def test_every_input_of_a_lock_is_pinned_in_it() -> None:
    for name in ("backend", "dev", "blender-4.5", "blender-5.2", "blender-wheels"):
        pinned = {pin.name for pin in read_lock(LOCKS / f"{name}.txt")}
        for line in (LOCKS / f"{name}.in").read_text().splitlines():
            wanted = re.split(r"[\[<>=]", line)[0]
            if wanted and not wanted.startswith("#") and wanted != "torch":
                assert wanted in pinned, (name, wanted)


def test_the_backend_lock_is_part_of_the_dev_lock() -> None:
    def versions(name: str) -> set[tuple[str, str, str]]:
        return {(p.name, p.version, p.marker) for p in read_lock(LOCKS / name)}

    assert versions("backend.txt") <= versions("dev.txt")


def test_sizes_are_known_for_every_pin() -> None:
    sizes = json.loads((LOCKS / "sizes.json").read_text())
    for name in LOCK_FILES:
        pins: list[Pin] = read_lock(LOCKS / name)
        assert [p.name for p in pins if f"{p.name}=={p.version}" not in sizes] == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Collecting numpy==2.4.6 (from -r r.txt (line 4))", "numpy"),
        ("Requirement already satisfied: pyzmq==27.3.0 in ./lib (27.3.0)", "pyzmq"),
        ("Processing /a/b-c/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", "torch"),
        ("Processing ./opencv_python_headless-5.0.0.93-cp37-abi3-win_amd64.whl (from x)",
         "opencv_python_headless"),
    ],
)  # fmt: skip
def test_pips_line_on_a_package_is_understood(line: str, name: str) -> None:
    match = STARTED.match(line)
    assert match is not None
    assert (match[1] or match[2]) == name


# --- the command --------------------------------------------------------------------------------


def run_command(*arguments: str, **options) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(LOCKS.parent / "install.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_the_command_tells_its_plan_as_json(tmp_path: Path) -> None:
    done = run_command("backend", "--target", str(tmp_path / "e"), "--plan", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["event"], told["state"]) == ("plan", "absent")
    assert told["disk_bytes"] > told["download_bytes"] > 100_000_000


def test_the_command_runs_by_its_path_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, str(LOCKS.parent / "install.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0
    assert "--target" in done.stdout


def test_closing_standard_input_cancels_the_command(tmp_path: Path) -> None:
    arguments = ("backend", "--target", str(tmp_path / "e"), "--torch", "cpu", "--json")
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    done = run_command(*arguments, stdin=subprocess.DEVNULL, env=offline)
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1
    assert (last["event"], last["code"]) == ("error", "cancelled")
    assert not (tmp_path / "e" / MARKER).exists()
