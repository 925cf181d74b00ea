"""What is in the zip, and what is not."""

import ast
import tomllib
import zipfile
from pathlib import PurePosixPath

import pytest

from backend.splat import native
from house.package import build_for, validate, validator
from house.wheels import PLATFORMS, this_platform
from shared.version import VERSION

from .conftest import BLENDERS, Package

MIB = 1 << 20


@pytest.fixture(scope="session")
def names(package: Package) -> list[str]:
    with zipfile.ZipFile(package.zip_path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def read(package: Package, name: str) -> bytes:
    with zipfile.ZipFile(package.zip_path) as archive:
        return archive.read(name)


def test_the_add_on_its_shared_code_and_the_whole_backend_are_inside(names: list[str]) -> None:
    wanted = {
        "__init__.py",
        "blender_manifest.toml",
        "LICENSE",
        "NOTICE",
        "_shared.py",
        "shared/client.py",
        "shared/flame.py",
        "backend/__main__.py",
        "backend/install.py",
        "backend/installer/plan.py",
        "backend/locks/backend.txt",
        "backend/locks/torch-cpu.txt",
        "backend/locks/torch-cuda.txt",
        "backend/locks/torch_sources.toml",
        "backend/locks/sizes.json",
        "backend/splat/csrc/raster.cpp",
        "backend/assets/appearance.npz",
        "backend/assets/open_head.npz",
        "backend/assets/face_landmarker.task",
        "backend/assets/selfie_segmentation.tflite",
        "backend/assets/astronaut.png",
    }
    assert wanted - set(names) == set()
    assert [n for n in names if n.startswith("backend/configs/") and n.endswith(".toml")]


def test_no_torch_no_tests_and_nothing_built_is_inside(names: list[str]) -> None:
    unwanted = {"torch", "tests", "__pycache__", ".venv", "demo-out", "dist", "house", ".git"}
    assert [n for n in names if unwanted & set(PurePosixPath(n).parts)] == []
    assert [n for n in names if n.endswith((".pyc", ".o", ".in"))] == []
    assert [n for n in names if "dev.txt" in n or "locks/blender" in n] == []
    assert [n for n in names if PurePosixPath(n).is_absolute() or ".." in n] == []


def test_the_one_library_inside_is_the_rasteriser_that_this_machine_loads(
    package: Package, names: list[str]
) -> None:
    libraries = [n for n in names if n.endswith((".so", ".dll", ".dylib"))]
    here = native.load()[1].library
    assert here is not None
    ours = f"backend/splat/libraries/{here.name}"
    assert ours in libraries
    assert {PurePosixPath(n).stem for n in libraries} == set(PLATFORMS[this_platform()][1])
    assert read(package, ours) == here.read_bytes()


def test_the_one_bundled_wheel_is_pyzmq_and_the_manifest_lists_it(
    package: Package, names: list[str]
) -> None:
    wheels = [n for n in names if n.endswith(".whl")]
    assert len(wheels) == 1
    assert PurePosixPath(wheels[0]).name.startswith("pyzmq-")
    manifest = tomllib.loads(read(package, "blender_manifest.toml").decode())
    assert manifest["wheels"] == [f"./{wheels[0]}"]
    assert ("abi3" in wheels[0]) == (package.environment == "blender-5.2")


def test_the_manifest_says_what_the_zip_is_for(package: Package) -> None:
    manifest = tomllib.loads(read(package, "blender_manifest.toml").decode())
    assert (manifest["id"], manifest["name"]) == ("splitavatar", "SplitAvatar")
    assert manifest["version"] == VERSION
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    old = BLENDERS[package.environment] < (5, 1)
    assert manifest["blender_version_min"] == ("4.2.0" if old else "5.1.0")
    assert manifest.get("blender_version_max") == ("5.1.0" if old else None)
    assert set(manifest["permissions"]) == {"files", "network"}
    assert all(not reason.endswith(".") for reason in manifest["permissions"].values())


def test_blenders_own_tool_finds_the_zip_valid(package: Package) -> None:
    assert validator() is not None
    assert validate(package.zip_path)


def test_every_source_in_the_zip_parses_as_python_3_11(package: Package, names: list[str]) -> None:
    for name in names:
        if name.endswith(".py"):
            ast.parse(read(package, name), name, feature_version=(3, 11))


def test_the_zip_is_small_enough_to_hand_around(package: Package) -> None:
    assert package.zip_path.stat().st_size < 60 * MIB


def test_building_twice_gives_the_same_bytes(package: Package, tmp_path) -> None:
    again = build_for(BLENDERS[package.environment], tmp_path)
    assert again.read_bytes() == package.zip_path.read_bytes()
