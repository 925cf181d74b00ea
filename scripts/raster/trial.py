"""Runs the libraries that this machine can run, and compares what they draw.

The machine's own library, at its best, is the measure; tests/unit/splat/test_cpu.py compares it
with the PyTorch reference. Windows' runs under wine (Debian: wine64), the other Linux's under qemu
(qemu-user-static, with the C library of libc6-arm64-cross in $QEMU_LD_PREFIX); macOS' only there.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from backend.splat.native import own_name
from scripts.raster.compiler import Compiler
from scripts.raster.targets import TARGETS

_RUNNERS = {
    "linux-arm64.so": ("qemu-aarch64-static", "qemu-aarch64"),
    "linux-x64.so": ("qemu-x86_64-static", "qemu-x86_64"),
    "windows-x64.dll": ("wine64", "wine"),
}
_BOUND = 1e-3
"""Of the norm of a result, which may differ where a contribution lies at the edge of 1/255."""

Results = dict[tuple[int, int], np.ndarray]  # (channels, instruction set) -> values, slowest first


def try_libraries(compiler: Compiler, libraries: Path) -> None:
    """Runs and compares; prints what was seen.

    Raises:
        SystemExit: A library gives other results than this machine's own.
    """
    own = own_name()
    expected = _results(compiler, libraries / own, [])
    for name in TARGETS:
        runner = next(filter(None, map(shutil.which, _RUNNERS.get(name, ()))), None)
        if name != own and runner is None:
            print(f"{name}: not run, nothing here runs it")
            continue
        found = expected if name == own else _results(compiler, libraries / name, [str(runner)])
        for (channels, number), values in found.items():
            right = next(expected[key] for key in reversed(expected) if key[0] == channels)
            error = np.linalg.norm(values - right) / np.linalg.norm(right)
            if not error < _BOUND:
                raise SystemExit(f"{name}, {channels} channels, set {number}: off by {error:.1e}")
            print(f"{channels:2} channels, set {number}: {error:.1e} off")


def _results(compiler: Compiler, library: Path, runner: list[str]) -> Results:
    """What scripts/raster/trial.cpp computes with a library."""
    print(f"{library.name}:", flush=True)
    source = Path(__file__).with_name("trial.cpp")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "trial.exe"
        compiler.run(
            ["-target", TARGETS[library.name].triple, "-std=c++17", "-O2", "-s"]
            + [str(source), "-o", str(program)],
            source.parent,
        )
        shutil.copy(library, folder)
        command = [*runner, str(program), f"./{library.name}", "results"]
        subprocess.run(command, check=True, cwd=folder)
        return _read((Path(folder) / "results").read_bytes())


def _read(content: bytes) -> Results:
    found, at = {}, 0
    while at < len(content):
        channels, number, count = np.frombuffer(content, np.int32, 3, at)
        found[int(channels), int(number)] = np.frombuffer(content, np.float32, count, at + 12)
        at += 12 + 4 * int(count)
    return found
