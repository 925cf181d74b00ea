"""What the backend has made plays and renders without it: frame n is frame n."""

from __future__ import annotations

import itertools
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.export.png import over_background, read_png
from backend.splat import quaternions
from backend.splat.gaussians import Gaussians
from house.environments import ROOT, present
from shared.camera import HEAD_TO_BLENDER

from . import motion
from .blender_process import InBlender
from .conftest import Measured
from .looking import Looker

SH_C0 = 0.28209479177387814
LIKE_THE_BACKENDS_DB = 40.0


@pytest.fixture(scope="module")
def saved(in_blender: InBlender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .blend of an avatar that is keyed on frames 1 to 8."""
    folder = tmp_path_factory.mktemp("saved")
    in_blender.run("scrub", folder)
    return folder / "scene.blend"


@pytest.fixture(scope="module")
def played(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what a Blender without add-on and backend made of it."""
    out = tmp_path_factory.mktemp("played")
    python = present("blender-4.5")
    line = [str(python), "-m", "tests.acceptance.without_addon", str(saved), str(out)]
    ran = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return out


def cloud_of(path: Path, layers: torch.Tensor) -> Gaussians:
    """Evaluated attributes as Gaussians, head space."""
    arrays = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    axes = torch.from_numpy(HEAD_TO_BLENDER[:3, :3]).float()
    back = quaternions.from_matrix(axes.T)
    alpha = arrays["radiance:base"][:, 3]
    return Gaussians(
        means=arrays["position"] @ axes,
        quats=quaternions.multiply(back.expand(len(alpha), 4), arrays["rotation"]),
        scales=arrays["scale"],
        opacities=torch.where(alpha > 0.0011, alpha, torch.zeros_like(alpha)),
        features=arrays["radiance:base"][:, :3] * SH_C0 + 0.5,
        layers=layers,
    )


@pytest.mark.parametrize("frame", motion.FRAMES)
def test_splats_are_those_that_the_backend_computes(
    played: Path, looker: Looker, measured: Measured, frame: int
) -> None:
    wanted = looker.pipeline.drive(looker.avatar, motion.expected(frame))
    found = cloud_of(played / f"{frame:04d}.npz", wanted.layers)
    kept = wanted.opacities > 0
    assert torch.equal(found.opacities > 0, kept)
    assert float((found.means - wanted.means).abs().max()) < 1e-4
    colours = (found.features - wanted.features[:, :3].clamp(0, 1)).abs()[kept]
    assert float(colours.max()) <= 2 / 255
    camera = looker.avatar.camera.resized(256, 256)
    plain = replace(wanted, features=wanted.features[:, :3].clamp(0, 1))
    pictures = [looker.pipeline.render(cloud, camera).rgb for cloud in (found, plain)]
    error = float(np.square(np.asarray(pictures[0]) - np.asarray(pictures[1])).mean())
    db = -10 * np.log10(max(error, 1e-12))
    measured(f"frame {frame} by geometry nodes against the backend's splats, dB", round(db, 1))
    assert db > LIKE_THE_BACKENDS_DB


def test_renders_of_its_frames_differ_as_their_keys_do(played: Path) -> None:
    pictures = [
        over_background(read_png(played / f"{frame:04d}.png"), (0, 0, 0)).astype(int)
        for frame in motion.RENDERED
    ]
    for before, after in itertools.pairwise(pictures):
        assert before.max() > 100  # somebody is there
        assert np.abs(after - before).mean() > 2


def test_the_file_is_small(saved: Path, measured: Measured) -> None:
    size = saved.stat().st_size / 1e6
    measured("a .blend of one avatar, MB", round(size, 1))
    assert size < 25
