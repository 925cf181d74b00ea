"""Install Backend, for real: the zip's locks alone make a backend that makes an avatar.

The tests' own environment has more packages than a user's, so only this shows what a lock lacks.
"""

import shutil
from pathlib import Path

import pytest

from .child import told_by
from .conftest import Package

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("package", ["blender-4.5"], indirect=True),
]


def test_a_backend_installed_by_the_button_makes_the_sample_avatar(
    package: Package, tmp_path: Path
) -> None:
    profile, out = tmp_path / "profile", tmp_path / "out"
    profile.mkdir()
    out.mkdir()
    asked = (package.zip_path, "install", out)
    told, _ = told_by("with_backend", package.python, *asked, profile=profile, timeout_s=580)
    assert Path(told["ply"][0]).stat().st_size > 1_000_000
    installed = list(profile.rglob("splitavatar-environment.json"))
    assert len(installed) == 1, "the marker that the installer writes last"
    shutil.rmtree(profile)  # 1.5 GB that pytest would keep
