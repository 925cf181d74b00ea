"""The committed libraries: made of these sources, whole, and loadable where they are for."""

from __future__ import annotations

import ctypes
import hashlib
import json
from pathlib import Path

import pytest
import torch

from backend.splat import native
from house.wheels import PLATFORMS
from scripts.make_raster import inputs
from scripts.raster.object_files import read
from scripts.raster.targets import TARGETS, problems

KINDS = (".so", ".dll", ".dylib")
RECORD = json.loads((native.LIBRARIES / "record.json").read_text())


def test_the_libraries_are_made_of_the_sources_that_are_here():
    recorded = {name: value for name, value in RECORD.items() if name != "libraries"}
    expected = json.loads(json.dumps(inputs()))
    assert recorded == expected, "run scripts/make_raster.py after changing backend/splat/csrc"


def test_every_platform_that_gets_a_zip_has_a_library_and_no_other_lies_there():
    platforms = {blenders for _, names in PLATFORMS.values() for blenders in names}
    assert {name.split(".")[0] for name in TARGETS} == platforms
    files = {path.name for path in native.LIBRARIES.iterdir()}
    assert files == {*TARGETS, "record.json", "LICENCES.txt"}
    assert RECORD["libraries"].keys() == TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_a_library_is_the_recorded_one_for_its_platform_and_needs_only_the_system(name):
    path = native.LIBRARIES / name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == RECORD["libraries"][name]
    assert problems(path) == []


@pytest.mark.parametrize(
    ("name", "made_of", "old", "new", "words"),
    [
        ("linux-arm64.so", "linux-x64.so", b"", b"", "it is for linux x64"),
        ("linux-x64.so", "linux-x64.so", b"GLIBC_2.14", b"GLIBC_2.34", "expected at most (2, 17)"),
        ("windows-x64.dll", "windows-x64.dll", b"forward_f32", b"sideway_f32", "it exports"),
        ("windows-x64.dll", "windows-x64.dll", b"KERNEL32.dll", b"libgcc_s.dll", "libgcc_s.dll"),
        ("macos-x64.dylib", "macos-x64.dylib", b"libSystem.B", b"libstdc++.6", "libstdc++.6"),
    ],
)
def test_what_is_wrong_with_a_library_is_said(tmp_path, name, made_of, old, new, words):
    content = (native.LIBRARIES / made_of).read_bytes()
    (tmp_path / name).write_bytes(content.replace(old, new) if old else content)
    assert words in "; ".join(problems(tmp_path / name))


def test_what_a_library_offers_is_what_the_system_finds_in_it():
    path = next(
        p for p in (Path(torch.__file__).parent / "lib").glob("*c10.*") if p.suffix in KINDS
    )
    exports = read(path).exports
    assert len(exports) > 1000
    library = ctypes.CDLL(str(path))
    assert [name for name in sorted(exports)[::50] if not hasattr(library, name)] == []
