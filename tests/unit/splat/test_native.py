from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sys
from pathlib import Path

import pytest
import torch

from backend.splat import native, reference
from backend.splat.rasterise import rasterise

HERE = native.own_name()


@pytest.fixture(autouse=True)
def _fresh():
    native.load.cache_clear()
    yield
    native.load.cache_clear()


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder, to be spoiled."""
    copy = tmp_path / "libraries"
    shutil.copytree(native.LIBRARIES, copy)
    monkeypatch.setattr(native, "LIBRARIES", copy)
    return copy


def _refused() -> str:
    library, status = native.load()
    assert library is None
    assert not status.available
    return status.message


@pytest.mark.parametrize(
    ("system", "machine", "file"),
    [
        ("Linux", "x86_64", "linux-x64.so"),
        ("Linux", "aarch64", "linux-arm64.so"),
        ("Windows", "amd64", "windows-x64.dll"),
        ("Windows", "arm64", "windows-arm64.dll"),
        ("Darwin", "x86_64", "macos-x64.dylib"),
        ("Darwin", "arm64", "macos-arm64.dylib"),
    ],
)
def test_every_platform_finds_its_library(system, machine, file):
    assert native._name(system, machine) == file
    assert (native.LIBRARIES / file).is_file()


def test_the_library_of_this_platform_loads_and_says_what_it_uses():
    library, status = native.load()
    assert library is not None
    assert status.available
    assert status.library == native.LIBRARIES / HERE
    fastest = status.instruction_sets[-1]
    assert status.message == f"C++ rasteriser ({fastest}), {HERE}"
    assert set(status.instruction_sets) <= set(native.INSTRUCTION_SETS)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_instruction_sets_are_those_that_linux_lists():
    listed = Path("/proc/cpuinfo").read_text().split()
    wanted = {
        "plain": {"fpu"},
        "avx2": {"avx2", "fma"},
        "avx512": {"avx2", "fma", "avx512f", "avx512vl", "avx512bw", "avx512dq"},
        "neon": {"asimd"},
    }
    expected = [name for name, flags in wanted.items() if flags <= set(listed)]
    assert list(native.load()[1].instruction_sets) == expected


def test_without_the_library_the_reference_draws_and_one_warning_says_how_slow_that_is(
    scene, libraries, caplog
):
    (libraries / HERE).unlink()
    cloud, camera = scene(20, 3, 24)
    with caplog.at_level(logging.WARNING):
        raster = rasterise(cloud, camera)
        rasterise(cloud, camera)
    warnings = [r.getMessage() for r in caplog.records if r.name == "backend.splat.native"]
    assert warnings == [
        f"The C++ rasteriser cannot be used: {libraries / HERE} is missing. Pictures are drawn by "
        "PyTorch, which takes about 40 times as long. Install SplitAvatar again."
    ]
    expected, _, _ = reference.rasterise(
        cloud, camera, mask_gradient=False, alpha_max=0.999, near_m=0.01
    )
    assert torch.equal(raster.features, expected)


def test_a_damaged_library_is_not_loaded(libraries):
    content = bytearray((libraries / HERE).read_bytes())
    content[len(content) // 2] ^= 1
    (libraries / HERE).write_bytes(content)
    assert f"{HERE} is damaged (SHA-256" in _refused()


def test_a_damaged_record_is_said_and_nothing_is_loaded(libraries):
    (libraries / "record.json").write_text("{")
    assert f"{HERE} or its record cannot be read" in _refused()


def test_a_library_that_the_system_does_not_load_is_said_with_what_it_needs(libraries):
    (libraries / HERE).write_bytes(b"not a library")
    recorded = {HERE: hashlib.sha256(b"not a library").hexdigest()}
    (libraries / "record.json").write_text(json.dumps({"libraries": recorded}))
    message = _refused()
    assert f"the system does not load {HERE}" in message
    assert "It needs" in message


def test_a_platform_without_a_library_is_named(monkeypatch):
    monkeypatch.setattr(native, "_processor", lambda: "riscv64")
    message = _refused()
    assert "riscv64" in message
    assert "Use Linux, Windows or macOS on an x86-64 or ARM processor" in message
