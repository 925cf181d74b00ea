"""Builds backend/splat/libraries/ from backend/splat/csrc/, for every platform, on any one of them.

    python scripts/make_raster.py            # install the compiler below dist/, build, record
    python scripts/make_raster.py --check    # build anew elsewhere: the same bytes?
    python scripts/make_raster.py --trial    # run the libraries that this machine can run

The compiler is clang as the package ziglang brings it, with the system libraries of every target,
pinned by scripts/raster/compiler.txt. The same sources give the same bytes, whatever the folder and
the day: nothing of either gets in (--check tells; tried on Linux x86-64, not on another system).

record.json holds compiler, flags and SHA-256 of the sources and of every library;
tests/unit/splat/test_native_libraries.py compares it with what is there. So whoever changes the C++
runs this: about a minute per library the first time, when the C++ runtime is built too, and ten
seconds later.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.raster.compiler import Compiler
from scripts.raster.targets import FLAGS, TARGETS, problems
from scripts.raster.trial import try_libraries
from shared.atomic import write_bytes

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "backend" / "splat" / "csrc"
LIBRARIES = ROOT / "backend" / "splat" / "libraries"
RECORD, LICENCES = LIBRARIES / "record.json", LIBRARIES / "LICENCES.txt"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inputs() -> dict[str, Any]:
    """What decides the libraries' bytes, as the record holds it."""
    return {
        "compiler": Compiler.pinned(),
        "flags": list(FLAGS),
        "targets": {name: asdict(target) for name, target in TARGETS.items()},
        "sources": {path.name: sha256(path) for path in sorted(SOURCES.iterdir())},
    }


def build(compiler: Compiler, sources: Path, folder: Path) -> dict[str, Path]:
    """Every library, made in a folder and looked at."""
    made = {name: folder / name for name in TARGETS}
    for name, target in TARGETS.items():
        command = ["-target", target.triple, *FLAGS, *target.flags, "raster.cpp"]
        compiler.run([*command, "-o", str(made[name])], sources)
        if found := problems(made[name]):
            raise SystemExit(f"{name}: " + "; ".join(found))
        print(f"{name}: {made[name].stat().st_size:,} bytes", flush=True)
    return made


def check(compiler: Compiler, folder: Path) -> None:
    """Builds from a copy of the sources with nothing kept from before; ends where bytes differ."""
    sources = shutil.copytree(SOURCES, folder / "sources")
    made = build(replace(compiler, cache=folder / "cache"), sources, folder)
    recorded = json.loads(RECORD.read_text())["libraries"]
    if differing := [name for name in made if recorded[name] != sha256(made[name])]:
        raise SystemExit(f"Not the recorded bytes: {', '.join(differing)}")
    print("All are what is recorded.")


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the rasteriser's libraries.")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    parser.add_argument("--trial", action="store_true", help="run the committed libraries")
    options = parser.parse_args()
    compiler = Compiler.installed(ROOT / "dist" / "compiler")
    if options.trial:
        return try_libraries(compiler, LIBRARIES)
    with tempfile.TemporaryDirectory() as folder:
        if options.check:
            return check(compiler, Path(folder))
        made = build(compiler, SOURCES, Path(folder))
        for name, path in made.items():
            write_bytes(LIBRARIES / name, path.read_bytes())
    record = {**inputs(), "libraries": {name: sha256(LIBRARIES / name) for name in made}}
    write_bytes(LICENCES, compiler.licences().encode())
    write_bytes(RECORD, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
