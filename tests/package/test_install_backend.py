"""Install Backend, for real: the zip's locks alone make a backend that makes an avatar.

The tests' own environment has more packages than a user's, so only this shows what a lock lacks.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from house.environments import ROOT
from house.profile import profile_environment

from .conftest import Package

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("package", ["blender-4.5"], indirect=True),
]


def test_a_backend_installed_by_the_button_makes_the_sample_avatar(
    package: Package, tmp_path: Path
) -> None:
    profile, out = tmp_path / "profile", tmp_path / "out"
    profile.mkdir()
    out.mkdir()
    command = [str(package.python), "-m", "tests.package.with_backend"]
    done = subprocess.run(
        [*command, str(package.zip_path), "install", str(out)],
        cwd=ROOT,
        env=profile_environment(profile),
        capture_output=True,
        text=True,
        timeout=580,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("@@")]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(lines[-1][2:])
    assert Path(told["ply"][0]).stat().st_size > 1_000_000
    installed = list(profile.rglob("splitavatar-environment.json"))
    assert len(installed) == 1, "the marker that the installer writes last"
    shutil.rmtree(profile)  # 1.5 GB that pytest would keep
