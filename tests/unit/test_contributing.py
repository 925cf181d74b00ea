"""The map for newcomers names files and folders that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAP = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next of its kind."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", MAP, re.M | re.S)
    assert found, f"CONTRIBUTING.md has no section {title!r}"
    return found[1]


WAY = re.findall(r"`([\w/]+\.py)`", section("The way of the data"))


def rooms(heading: str) -> set[str]:
    """The folders in the first column of the table that follows a line."""
    table = MAP.split(heading, 1)[1].split("\n\n")[1]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {name for cell in cells for name in re.findall(r"`(\w+)/`", cell)}


def folders(package: str) -> set[str]:
    """Sub-packages of a package."""
    return {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}


@pytest.mark.parametrize("name", WAY)
def test_the_way_of_the_data_names_files_that_exist(name: str) -> None:
    assert (ROOT / name).is_file()


def test_the_way_of_the_data_crosses_both_sides() -> None:
    assert {name.partition("/")[0] for name in WAY} == {"blender_addon", "shared", "backend"}


def test_every_room_of_the_add_on_is_on_the_map_and_no_other() -> None:
    assert rooms("The add-on's rooms:") == folders("blender_addon")


def test_every_room_of_the_backend_is_on_the_map_and_no_other() -> None:
    assert rooms("The backend's rooms:") == folders("backend") - {"installer"}
