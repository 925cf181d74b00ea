"""Environments really made by the installer, of tiny wheels in a local folder: no network."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from backend import install as door
from backend.install import ENVIRONMENTS, MARKER, InstallError, environment_python, install, plan
from backend.installer import environments, locks
from backend.installer import plan as planning

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
