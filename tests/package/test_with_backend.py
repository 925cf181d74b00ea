"""The installed zip makes an avatar and exports it with the real backend.

On Blender 4.5 the demo does the same and much more; here it is the newest Blender.
"""

import sys
from pathlib import Path

import gsply
import numpy as np
import pytest

from .child import told_by
from .conftest import Package

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("package", ["blender-5.2"], indirect=True),
]


@pytest.fixture(scope="module")
def told(package: Package, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What tests/package/with_backend.py told."""
    out = tmp_path_factory.mktemp("out")
    profile = tmp_path_factory.mktemp("profile")
    asked = (package.zip_path, sys.executable, out)
    return told_by("with_backend", package.python, *asked, profile=profile, timeout_s=170)[0]


def test_the_zip_brings_zmq_and_builds_a_rig(told: dict) -> None:
    assert told["blender"].startswith("5.2")
    assert "extensions" in Path(told["zmq"]).parts
    assert told["rig"] == "ARMATURE"
    assert told["bones"] == ["root", "neck", "jaw", "eye.L", "eye.R"]
    assert "MESH" in told["children"]


def test_it_exports_the_frame_as_a_ply_of_all_gaussians(told: dict) -> None:
    (path,) = told["ply"]
    read = gsply.plyread(path)
    assert len(read.means) == told["counts"]["total"]
    assert np.isfinite(read.means).all()
    size = np.ptp(read.means, axis=0)
    assert (size > 0.15).all(), "metres: a head and its shoulders"
    assert (size < 1.0).all()
