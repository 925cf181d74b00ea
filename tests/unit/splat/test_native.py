from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from backend.splat import native, reference
from backend.splat.rasterise import rasterise


@pytest.fixture
def _fresh():
    native.load.cache_clear()
    yield
    native.load.cache_clear()


def test_two_that_start_at_once_build_one_library(tmp_path, monkeypatch):
    builds = []

    def compile_library(folder: Path) -> None:
        assert not (folder / "finished").exists()
        builds.append(folder)

    monkeypatch.setattr(native, "_compile", compile_library)
    threads = [threading.Thread(target=native._build, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1


def test_a_build_that_was_killed_is_done_again(tmp_path, monkeypatch):
    def killed(folder: Path) -> None:
        (folder / "lock").touch()
        raise RuntimeError("killed")

    monkeypatch.setattr(native, "_compile", killed)
    with pytest.raises(RuntimeError, match="killed"):
        native._build(tmp_path)
    builds = []
    monkeypatch.setattr(
        native, "_compile", lambda folder: builds.append((folder / "lock").exists())
    )
    native._build(tmp_path)
    assert builds == [False], "torch's own lock would have made the second build wait for ever"


def test_another_source_or_flag_is_another_library(tmp_path, monkeypatch):
    first = native._key()
    assert first == native._key()
    monkeypatch.setattr(native, "compile_flags", lambda: ["-O0"])
    assert native._key() != first


@pytest.mark.usefixtures("_fresh")
def test_without_a_compiler_the_reference_draws_and_a_warning_says_so(
    scene, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("SPLITAVATAR_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    cloud, camera = scene(20, 3, 24)
    with caplog.at_level(logging.WARNING):
        raster = rasterise(cloud, camera)
        rasterise(cloud, camera)
    warnings = [r.getMessage() for r in caplog.records if r.name == "backend.splat.native"]
    assert len(warnings) == 1
    assert "could not be built" in warnings[0]
    assert "Install a C++ compiler" in warnings[0]
    expected, _, _ = reference.rasterise(
        cloud, camera, mask_gradient=False, alpha_max=0.999, near_m=0.01
    )
    assert torch.equal(raster.features, expected)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_torchs_openmp_library_is_loaded():
    if not native.load()[1].available:
        pytest.skip(native.load()[1].message)
    code = (
        "from backend.splat import native; assert native.load()[0] is not None;"
        "print({l.split()[-1] for l in open('/proc/self/maps') if 'libgomp' in l})"
    )
    root = Path(native.__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root, env=os.environ, capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    assert found.count("libgomp") == 1
    assert str(Path(torch.__file__).resolve().parent) in found, "the environment may be a link"
