"""The refined head in a render by Cycles, with a cube halfway through it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from backend.avatar.render import Frame
from backend.export.png import read_png
from shared.camera import Camera
from tests.cube_depth import cube_depth

from . import motion
from .blender_process import InBlender
from .conftest import Measured
from .looking import Looker

FRAMES = (1, 2)


@dataclass(frozen=True)
class Renders:
    """What Blender rendered and what the pipeline says to it.

    Args:
        folder: Of the pictures.
        cube: [H, W] metres to the cube, infinite beside it.
        heads: The head alone, by frame.
    """

    folder: Path
    cube: np.ndarray
    heads: dict[int, Frame]

    def picture(self, name: str, frame: int) -> np.ndarray:
        return read_png(self.folder / f"{name}{frame:04d}.png").astype(int)


@pytest.fixture(scope="module")
def renders(
    in_blender: InBlender, looker: Looker, tmp_path_factory: pytest.TempPathFactory
) -> Renders:
    """Both renders of the saved scene."""
    folder = tmp_path_factory.mktemp("among_meshes")
    camera = looker.avatar.camera
    first = looker.pipeline.picture(looker.avatar, motion.expected(FRAMES[0]), camera)
    middle = first.depth[camera.height // 2, camera.width // 2]
    told = in_blender.run("among_meshes", folder, depth_m=float(middle) + 0.03)
    view = Camera(**json.loads(told["view"]))
    cube = cube_depth(view, np.array(told["to_cube"]), told["half_m"])
    heads = {
        frame: looker.pipeline.picture(looker.avatar, motion.expected(frame), view)
        for frame in FRAMES
    }
    return Renders(folder, cube, heads)


@pytest.mark.parametrize("frame", FRAMES)
def test_the_cube_is_seen_where_it_is_nearer(
    renders: Renders, measured: Measured, frame: int
) -> None:
    head, picture = renders.heads[frame], renders.picture("first", frame)
    wanted = renders.cube < np.where(head.depth > 0, head.depth, np.inf)
    there = head.alpha > 0.8
    assert (np.isfinite(renders.cube) & ~wanted & there).sum() > 1000, "not halfway through"
    is_cube = (picture[..., 1] - picture[..., 0] > 60) & (picture[..., 3] > 127)
    found = (is_cube & wanted & there).sum() / ((is_cube | wanted) & there).sum()
    measured(f"cube through the head, frame {frame}, IoU", round(float(found), 4))
    assert found >= 0.98


@pytest.mark.parametrize("frame", FRAMES)
def test_where_no_mesh_is_the_bytes_are_the_backend_s(
    renders: Renders, measured: Measured, frame: int
) -> None:
    """Blender keys with six digits, so that a few pixels of hair may differ from the pipeline's."""
    wanted, picture = renders.heads[frame].rgba8().astype(int), renders.picture("first", frame)
    rows, columns = np.nonzero(np.isfinite(renders.cube))
    clear = np.ones(wanted.shape[:2], bool)
    clear[rows.min() - 3 : rows.max() + 4, columns.min() - 3 : columns.max() + 4] = False
    gaps = np.abs(picture - wanted).max(axis=-1)[clear & (wanted[..., 3] > 200)]
    measured(f"pixels that differ by more than 1, frame {frame}", f"{(gaps > 1).mean():.1e}")
    assert (gaps > 1).mean() < 1e-3


def test_the_saved_scene_renders_twice_alike(renders: Renders) -> None:
    for frame in FRAMES:
        first, again = (renders.picture(name, frame) for name in ("first", "again"))
        np.testing.assert_array_equal(first, again)
