"""Builds backend/splat/libraries/ from backend/splat/csrc/, for every platform, on any one of them.

    python scripts/make_raster.py            # install the compiler below dist/, build, record
    python scripts/make_raster.py --check    # build, and compare with what is committed
    python scripts/make_raster.py --trial    # run the libraries that this machine can run

The compiler is clang as the package ziglang brings it, with the system libraries of every target,
pinned by scripts/raster/compiler.txt. The same sources give the same bytes, whatever the folder and
the day: nothing of either gets in (tried in two folders with two caches; on Linux x86-64 only).

record.json holds compiler, flags and SHA-256 of the sources and of every library;
tests/unit/splat/test_native_libraries.py compares it with what is there. So whoever changes the C++
runs this: about a minute per library the first time, when the C++ runtime is built too, and ten
seconds later.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from backend.export.atomic import write_bytes
from scripts.raster.compiler import Compiler
from scripts.raster.targets import FLAGS, TARGETS, Target, problems
from scripts.raster.trial import try_libraries

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


def build(compiler: Compiler, name: str, target: Target, folder: Path) -> Path:
    """One library, made and looked at."""
    library = folder / name
    compiler.run(
        ["-target", target.triple, *FLAGS, *target.flags, "raster.cpp", "-o", str(library)],
        SOURCES,
    )
    if found := problems(library):
        raise SystemExit(f"{name}: " + "; ".join(found))
    print(f"{name}: {library.stat().st_size:,} bytes", flush=True)
    return library


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the rasteriser's libraries.")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    parser.add_argument("--trial", action="store_true", help="run the committed libraries")
    options = parser.parse_args()
    compiler = Compiler.installed(ROOT / "dist" / "compiler")
    if options.trial:
        try_libraries(compiler, LIBRARIES)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = {name: build(compiler, name, t, Path(folder)) for name, t in TARGETS.items()}
        hashes = {name: sha256(path) for name, path in made.items()}
        if options.check:
            recorded = json.loads(RECORD.read_text())["libraries"]
            differing = sorted(name for name in made if recorded.get(name) != hashes[name])
            raise SystemExit(f"differ: {', '.join(differing)}" if differing else 0)
        for name, path in made.items():
            write_bytes(LIBRARIES / name, path.read_bytes())
    write_bytes(LICENCES, compiler.licences().encode())
    write_bytes(RECORD, (json.dumps({**inputs(), "libraries": hashes}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
