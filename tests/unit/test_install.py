"""The installer, on tiny wheels in a local folder: no network, no real packages."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.markers import Marker

from backend import install as door
from backend.install import ENVIRONMENTS, MARKER, InstallError, environment_python, install, plan
from backend.installer import environments, locks, machine
from backend.installer import plan as planning
from backend.installer.locks import LOCKS, Pin, applies, read_lock
from backend.installer.run import STARTED

HERE = (sys.version_info[0], sys.version_info[1])


def make_wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any") -> str:
    """A real wheel with one module; its sha256."""
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
            digest = hashlib.sha256(text.encode()).digest()
            rows.append(f"{file},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},")
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


class World:
    """Locks, wheels and environments of a test."""

    def __init__(self, folder: Path) -> None:
        self.wheels, self.locks = folder / "wheels", folder / "locks"
        self.target = folder / "environment"
        self.wheels.mkdir()
        self.locks.mkdir()
        (self.locks / "sizes.json").write_text('{"tiny==1.0": [1000, 2000]}')
        self.lock("1.0")

    def lock(self, version: str, digest: str = "") -> None:
        """Make a wheel of that version and pin it."""
        made = make_wheel(self.wheels, "tiny", version)
        text = f"tiny=={version} \\\n    --hash=sha256:{digest or made}\n    # via a test\n"
        (self.locks / "tiny.txt").write_text(text)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    tiny = environments.Environment("tiny.txt", (HERE,), imports=("tiny",))
    monkeypatch.setitem(ENVIRONMENTS, "tiny", tiny)
    for module in (planning, locks):
        monkeypatch.setattr(module, "LOCKS", made.locks)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    return made


def state_of(world: World) -> str:
    return door.state(plan("tiny", world.target))


def test_an_environment_is_absent_then_ready_and_then_left_alone(world: World) -> None:
    assert state_of(world) == "absent"
    seen: list[door.InstallProgress] = []
    install("tiny", world.target, progress=seen.append)
    assert state_of(world) == "ready"
    assert seen[-1].packages_done == seen[-1].packages_total == 1
    assert seen[-1].bytes_done == seen[-1].bytes_total == 1000
    python = environment_python(world.target)
    said = subprocess.run([python, "-c", "import tiny; print(tiny.version)"], capture_output=True)
    assert said.stdout.decode().strip() == "1.0"

    again: list[door.InstallProgress] = []
    install("tiny", world.target, progress=again.append)
    assert again == []


def test_a_changed_lock_makes_an_environment_stale_and_installing_brings_it_up_to_date(
    world: World,
) -> None:
    install("tiny", world.target)
    world.lock("2.0")
    assert state_of(world) == "stale"
    install("tiny", world.target)
    assert state_of(world) == "ready"
    assert json.loads((world.target / MARKER).read_text())["packages"] == {"tiny": "2.0"}


def test_a_wheel_with_another_hash_is_refused_and_leaves_no_marker(world: World) -> None:
    world.lock("1.0", digest="0" * 64)
    with pytest.raises(InstallError) as raised:
        install("tiny", world.target)
    assert raised.value.code == "hash_mismatch"
    assert state_of(world) == "incomplete"
    world.lock("1.0")
    install("tiny", world.target)
    assert state_of(world) == "ready"


def test_a_package_that_no_source_has_is_named(world: World) -> None:
    shutil.rmtree(world.wheels)
    world.wheels.mkdir()
    with pytest.raises(InstallError, match=r"tiny==1\.0") as raised:
        install("tiny", world.target)
    assert raised.value.code == "wheel_not_accepted"


def test_a_package_index_that_does_not_answer_is_called_a_network_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(InstallError, match="Check the network") as raised:
        install("tiny", world.target)
    assert raised.value.code == "network"


def test_what_progress_raises_stops_the_installation_and_the_next_one_finishes_it(
    world: World,
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(progress: door.InstallProgress) -> None:
        if progress.phase != "making the environment":
            raise Cancelled

    with pytest.raises(Cancelled):
        install("tiny", world.target, progress=cancel)
    assert state_of(world) in ("absent", "incomplete")
    install("tiny", world.target)
    assert state_of(world) == "ready"


def test_a_dead_interpreter_in_the_target_is_replaced(world: World) -> None:
    install("tiny", world.target)
    (world.target / MARKER).unlink()
    python = environment_python(world.target)
    python.unlink()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    install("tiny", world.target)
    assert state_of(world) == "ready"


def test_a_folder_that_is_no_environment_is_never_touched(world: World) -> None:
    world.target.mkdir()
    (world.target / "thesis.txt").write_text("years of work")
    with pytest.raises(InstallError, match="no virtual environment"):
        install("tiny", world.target)
    assert (world.target / "thesis.txt").read_text() == "years of work"


def test_too_little_disk_space_is_told_with_both_sizes_before_anything_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(world.wheels)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5_000_000))
    with pytest.raises(
        InstallError, match=r"200 MB of free disk space .* 5 MB are there"
    ) as raised:
        install("tiny", world.target)
    assert raised.value.code == "disk_full"
    assert not world.target.exists()


def test_a_python_that_does_not_run_is_named(world: World) -> None:
    with pytest.raises(InstallError, match="/no/such/python does not run") as raised:
        plan("tiny", world.target, "/no/such/python")
    assert raised.value.code == "python_missing"


def test_a_python_of_another_version_is_refused_with_the_wanted_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENTS, "tiny", environments.Environment("tiny.txt", ((3, 99),)))
    with pytest.raises(InstallError, match=r"tiny needs 3\.99") as raised:
        plan("tiny", world.target)
    assert raised.value.code == "python_unsupported"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="system libraries of Linux")
def test_a_missing_system_library_is_named_with_its_package(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = {"libdoesnotexist.so.7": "libdoesnotexist7", "libc.so.6": "libc6"}
    environment = environments.Environment("tiny.txt", (HERE,), libraries=needs)
    monkeypatch.setitem(ENVIRONMENTS, "tiny", environment)
    with pytest.raises(InstallError) as raised:
        plan("tiny", world.target)
    assert raised.value.code == "library_missing"
    assert "libdoesnotexist.so.7" in raised.value.message
    assert raised.value.remedy.endswith("apt-get install libdoesnotexist7")


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


def test_a_local_folder_is_taken_only_with_an_accepted_torch_wheel(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = make_wheel(world.wheels, "torch", "2.13.0")
    sources = 'version = "2.13.0"\n[sources.cpu]\nlock = "torch.txt"\nindex = ""\n'
    (world.locks / "torch_sources.toml").write_text(sources)
    (world.locks / "torch.txt").write_text(f"torch==2.13.0 \\\n    --hash=sha256:{digest}\n")
    environment = environments.Environment("tiny.txt", (HERE,), True, ("tiny", "torch"))
    monkeypatch.setitem(ENVIRONMENTS, "tiny", environment)

    made = install("tiny", world.target, torch=str(world.wheels))
    assert (made.torch, made.torch_folder) == ("cpu", str(world.wheels))
    (world.wheels / "torch-2.13.0-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(InstallError, match="none of which the lock accepts"):
        plan("tiny", world.target, torch=str(world.wheels))
    with pytest.raises(InstallError, match="is not a folder"):
        plan("tiny", world.target, torch="rocm")


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
    versions = [{"python_version": v, "python_full_version": f"{v}.9"} for v in ("3.11", "3.13")]
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
