"""What the libraries are built for, and what they must look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scripts.raster.object_files import read

FLAGS = (
    "-shared",
    "-fPIC",
    "-std=c++17",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",  # depths must agree with the reference to the last bit
    "-fopenmp-simd",  # the pragmas that make vectors; no OpenMP library
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-s",  # no symbols but the exported ones, no paths, no build id
)

EXPORTS = frozenset(
    ["splat_instruction_sets"]
    + [f"splat_{way}_{kind}" for way in ("forward", "backward") for kind in ("f32", "f64")]
)

GLIBC_MAX = (2, 17)

_SYSTEM_LIBRARIES = {
    "linux": r"ld-linux.*|lib(c|m|dl|pthread)\.so\.\d",
    "windows": r"kernel32\.dll|api-ms-win-crt-.*",  # the C runtime that Windows 10 brings
    "macos": r"/usr/lib/libSystem\.B\.dylib",
}


@dataclass(frozen=True)
class Target:
    """A platform.

    Args:
        triple: As the compiler names it, with the oldest system it is for.
        flags: More flags.
    """

    triple: str
    flags: tuple[str, ...] = ()


_NAMED = ("-Wl,-install_name,@rpath/raster.dylib",)  # else it is the path it was built at
_ONLY_EXPORTS = ("-Wl,--version-script=exports.map", "-Wl,--gc-sections")

TARGETS = {
    "linux-x64.so": Target("x86_64-linux-gnu.2.17", _ONLY_EXPORTS),
    "linux-arm64.so": Target("aarch64-linux-gnu.2.17", _ONLY_EXPORTS),
    "windows-x64.dll": Target("x86_64-windows-gnu"),
    "windows-arm64.dll": Target("aarch64-windows-gnu"),
    "macos-x64.dylib": Target("x86_64-macos.11.0", _NAMED),
    "macos-arm64.dylib": Target("aarch64-macos.11.0", _NAMED),
}
"""File -> what it is for. Files are named PLATFORM.SUFFIX, platforms as Blender names them."""


def problems(library: Path) -> list[str]:
    """What is wrong with a library; empty when nothing is."""
    system, processor = library.stem.split("-")
    found, wrong = read(library), []
    if (found.system, found.processor) != (system, processor):
        wrong.append(f"it is for {found.system} {found.processor}")
    # macOS's linker here cannot hide the runtime's own operator new and delete
    hidden = found.exports - EXPORTS if system != "macos" else frozenset()
    if not found.exports >= EXPORTS or hidden:
        wrong.append(f"it exports {sorted(found.exports)}; expected {sorted(EXPORTS)}")
    known = re.compile(_SYSTEM_LIBRARIES[system])
    if foreign := [name for name in found.needs if not known.fullmatch(name)]:
        wrong.append(f"it needs {sorted(foreign)}, which not every {system} has")
    versions = [tuple(map(int, v.split("_")[1].split("."))) for v in found.symbol_versions]
    if versions and max(versions)[:2] > GLIBC_MAX:
        wrong.append(f"it needs {sorted(found.symbol_versions)}; expected at most {GLIBC_MAX}")
    if system == "macos" and processor == "arm64" and not found.signed:
        wrong.append("it is not signed, and macOS on arm64 loads nothing unsigned")
    return wrong
