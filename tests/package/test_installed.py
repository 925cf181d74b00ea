"""The zip installed in an empty profile, by the operator a user's click runs."""

import zipfile
from pathlib import Path

from .conftest import Package


def test_the_add_on_is_enabled_under_its_extension_name(seen: dict) -> None:
    assert seen["module"] == "bl_ext.user_default.splitavatar"
    assert seen["in_preferences"]


def test_zmq_comes_from_the_bundled_wheel(seen: dict, package: Package) -> None:
    assert Path(seen["profile"]) in Path(seen["zmq"]).parents
    assert seen["zmq_version"].startswith("4.")


def test_operators_classes_and_properties_are_there(seen: dict) -> None:
    enabled = seen["enabled"]
    assert "create_avatar" in seen["operators"]
    assert [c for c in enabled["registered"] if c.startswith("Panel")]
    assert "Scene.splitavatar" in enabled["properties"]
    assert "Object.splitavatar" in enabled["properties"]


def test_three_times_disabled_nothing_is_left_behind(seen: dict) -> None:
    for traces in seen["rounds"]:
        assert traces == {**seen["before"], "timers": []}


def test_enabled_again_everything_is_back_once(seen: dict) -> None:
    assert seen["again"] == seen["enabled"]


def test_nothing_was_written_beside_the_installed_sources(seen: dict, package: Package) -> None:
    folder = Path(seen["folder"])
    with zipfile.ZipFile(package.zip_path) as archive:
        shipped = set(archive.namelist())
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {name for name in there if "__pycache__" not in name} <= shipped


def test_blender_printed_no_error(seen: dict) -> None:
    lines = seen["log"].splitlines()
    assert [x for x in lines if "Traceback" in x or "Error" in x or "Warning:" in x] == []
