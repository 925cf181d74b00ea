"""Builds csrc/ on first use, keeps the library in a cache folder and opens it.

The cache key holds the sources, the flags, torch's version and the platform; not the CPU, because
the library chooses its instruction set at run time. The C++ uses no torch headers, so a build takes
about ten seconds.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

_log = logging.getLogger(__name__)

_SOURCES = Path(__file__).parent / "csrc"
_NAME = "splitavatar_raster"

INSTRUCTION_SETS = ("plain", "avx2", "avx512")
"""Names of the kernels' variants, by the number the library gives them."""


@dataclass(frozen=True)
class NativeStatus:
    """Whether the C++ rasteriser can be used; `doctor` prints this.

    Args:
        available: The library is loaded.
        message: One line for people: what it is, or why it is missing and what to do.
        library: The file, when available.
        instruction_set: One of INSTRUCTION_SETS, when available.
    """

    available: bool
    message: str
    library: Path | None = None
    instruction_set: str | None = None


def cache_folder() -> Path:
    """Where built libraries are kept: $SPLITAVATAR_CACHE or the platform's cache folder."""
    chosen = os.environ.get("SPLITAVATAR_CACHE")
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local")) / "splitavatar/cache"
    if sys.platform == "darwin":
        return home / "Library/Caches/splitavatar"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "splitavatar"


def compile_flags() -> list[str]:
    """Flags of the compiler. No -march=native: the cache may be shared between machines."""
    if sys.platform == "win32":
        return ["/O2", "/openmp:experimental"]
    flags = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
    flags += ["-fvisibility=hidden", "-Wno-psabi", "-Wno-unknown-pragmas"]
    openmp = ["-Xpreprocessor", "-fopenmp"] if sys.platform == "darwin" else ["-fopenmp"]
    return flags + openmp


def link_flags() -> list[str]:
    """Flags of the linker: torch's own OpenMP library, not a second one."""
    if sys.platform == "win32":
        return []
    if sys.platform == "darwin":
        return [f"-L{Path(torch.__file__).parent / 'lib'}", "-lomp"]
    return ["-fopenmp"]  # torch has loaded its libgomp.so.1 by then, which serves this name too


@cache
def load() -> tuple[ctypes.CDLL | None, NativeStatus]:
    """The library, built if it is not in the cache; None with the reason when it cannot be."""
    try:
        path = _build(cache_folder())
        library = ctypes.CDLL(str(path))
    except (OSError, RuntimeError, ImportError, subprocess.SubprocessError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        status = NativeStatus(
            available=False,
            message=f"The C++ rasteriser could not be built ({reason[0]}); the PyTorch one is "
            "used, which is about 40 times slower. Install a C++ compiler "
            "(Linux: g++; macOS: xcode-select --install; Windows: Visual Studio Build Tools).",
        )
        _log.warning("%s", status.message)
        _log.debug("compiler output", exc_info=True)
        return None, status
    best = INSTRUCTION_SETS[library.splat_instruction_set()]
    return library, NativeStatus(True, f"C++ rasteriser ({best}), {path}", path, best)


def _key() -> str:
    digest = hashlib.sha256()
    parts = [torch.__version__, platform.platform(terse=True), platform.machine()]
    parts += compile_flags() + link_flags() + [os.environ.get("CXX", "")]
    digest.update("\0".join(parts).encode())
    for source in sorted(_SOURCES.iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def _build(cache_root: Path) -> Path:
    folder = cache_root / f"{_NAME}-{_key()}"
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / (f"{_NAME}.pyd" if sys.platform == "win32" else f"{_NAME}.so")
    finished = folder / "finished"  # the linker does not write atomically; this file tells
    if finished.exists():
        return library
    with _only_process(folder / "process.lock"):
        if not finished.exists():
            (folder / "lock").unlink(missing_ok=True)  # torch's, of a build that was killed
            _compile(folder)
            finished.touch()
    return library


def _compile(folder: Path) -> None:
    from torch.utils import cpp_extension

    _log.info("building the C++ rasteriser in %s (about 10 s, once)", folder)
    started = time.monotonic()
    path = os.environ.get("PATH", "")
    # ninja lies beside the interpreter, which need not be on the PATH
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        cpp_extension.load(
            name=_NAME,
            sources=[str(_SOURCES / "raster.cpp")],
            extra_cflags=compile_flags(),
            extra_ldflags=link_flags(),
            build_directory=str(folder),
            is_python_module=False,
        )
    finally:
        os.environ["PATH"] = path
    _log.info("built the C++ rasteriser in %.1f s", time.monotonic() - started)


@contextmanager
def _only_process(path: Path) -> Iterator[None]:
    """Holds a lock between processes that the system releases when its holder dies."""
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # gives up after 10 s
                    break
                except OSError:
                    continue
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
        # closing the file releases the lock
