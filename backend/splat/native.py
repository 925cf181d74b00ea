"""Opens the C++ rasteriser that this platform's library in libraries/ holds.

The libraries are built by scripts/make_raster.py from csrc/ and come with SplitAvatar: nothing is
compiled where it runs. They need nothing but the system, and choose their instruction set there.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import logging
import platform
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_log = logging.getLogger(__name__)

LIBRARIES = Path(__file__).parent / "libraries"
"""PLATFORM.SUFFIX each, and record.json with their hashes."""

INSTRUCTION_SETS = ("plain", "avx2", "avx512", "neon")
"""Names of the kernels' variants, by the number the library gives them; later ones are faster."""

_SUFFIXES = {"linux": "so", "windows": "dll", "macos": "dylib"}
_SYSTEMS = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}
_PROCESSORS = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}
_REINSTALL = "Install SplitAvatar again."
_OLDEST = {
    ".so": "a Linux with glibc 2.17 or newer",
    ".dll": "Windows 10 or newer",
    ".dylib": "macOS 11 or newer",
}


@dataclass(frozen=True)
class NativeStatus:
    """Whether the C++ rasteriser can be used; `doctor` prints this.

    Args:
        available: The library is loaded.
        message: One line for people: what it is, or why it is not used and what to do.
        library: The file, when available.
        instruction_sets: Those of INSTRUCTION_SETS that run here, the fastest last.
    """

    available: bool
    message: str
    library: Path | None = None
    instruction_sets: tuple[str, ...] = ()


class _Unusable(Exception):
    """Why there is no library, and what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


@cache
def load() -> tuple[ctypes.CDLL | None, NativeStatus]:
    """This platform's library; None with the reason, which is also logged, when it is unusable."""
    try:
        path = LIBRARIES / own_name()
        library = _opened(path)
    except _Unusable as error:
        status = NativeStatus(
            available=False,
            message=f"The C++ rasteriser cannot be used: {error}. Pictures are drawn by PyTorch, "
            f"which takes about 40 times as long. {error.remedy}",
        )
        _log.warning("%s", status.message)
        return None, status
    library.splat_instruction_sets.restype = ctypes.c_uint32
    found = library.splat_instruction_sets()
    sets = tuple(name for i, name in enumerate(INSTRUCTION_SETS) if found >> i & 1)
    return library, NativeStatus(True, f"C++ rasteriser ({sets[-1]}), {path.name}", path, sets)


def own_name() -> str:
    """The file name of this process's library, there or not."""
    return _name(platform.system(), _processor())


def _processor() -> str:
    """What this Python is made for: on Windows for ARM it may be emulated."""
    if sys.platform == "win32":
        return sysconfig.get_platform().removeprefix("win-")
    return platform.machine()


def _name(system: str, processor: str) -> str:
    if system not in _SYSTEMS or processor.lower() not in _PROCESSORS:
        raise _Unusable(
            f"there is none for {system} on {processor}",
            "Use Linux, Windows or macOS on an x86-64 or ARM processor of 64 bits.",
        )
    name = _SYSTEMS[system]
    return f"{name}-{_PROCESSORS[processor.lower()]}.{_SUFFIXES[name]}"


def _opened(path: Path) -> ctypes.CDLL:
    try:
        content = path.read_bytes()
        expected = json.loads((LIBRARIES / "record.json").read_bytes())["libraries"][path.name]
    except FileNotFoundError as error:
        raise _Unusable(f"{error.filename} is missing", _REINSTALL) from None
    except (OSError, ValueError, KeyError) as error:
        raise _Unusable(f"{path.name} or its record cannot be read ({error})", _REINSTALL) from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise _Unusable(
            f"{path} is damaged (SHA-256 {digest[:12]}, expected {expected[:12]})", _REINSTALL
        )
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise _Unusable(
            f"the system does not load {path.name} ({error})",
            f"It needs {_OLDEST[path.suffix]}.",
        ) from None
