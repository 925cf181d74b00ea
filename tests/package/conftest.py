"""The built zips, and Blender processes with an empty profile to install them in."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.install import InstallError
from house.environments import present
from house.package import build_for

from .child import told_by

BLENDERS = {"blender-4.5": (4, 5), "blender-5.2": (5, 2)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "package" in item.path.parts:
            item.add_marker(pytest.mark.package)


@dataclass(frozen=True)
class Package:
    """One zip and the Blender it is for."""

    environment: str
    python: Path
    zip_path: Path


@pytest.fixture(scope="session", params=list(BLENDERS))
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The zip for each Blender that is here."""
    python = present(request.param)
    if python is None:
        pytest.skip(f"{request.param} is not installed (its Python is missing)")
    try:
        made = build_for(BLENDERS[request.param], tmp_path_factory.mktemp("dist"))
    except InstallError as error:
        if error.code == "network":
            pytest.skip(error.message)
        raise
    return Package(request.param, python, made)


@pytest.fixture(scope="session")
def seen(package: Package, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What tests/package/in_blender.py saw after installing the zip."""
    profile = tmp_path_factory.mktemp("profile")
    told, log = told_by(
        "in_blender", package.python, package.zip_path, profile=profile, timeout_s=150
    )
    return {**told, "profile": str(profile), "log": log}
