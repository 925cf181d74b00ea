"""Figure 6: a result, its expression Gaussians from several sides, and all its Gaussians."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.export.png import read_png
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians
from shared.errors import AvatarError
from shared.progress import Progress

from .grid import grid
from .scene import Scene, write_cloud

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "scripts" / "render_gaussians.py"
BLENDER = REPOSITORY / ".venv" / "blender-4.5" / "bin" / "python"
"""The interpreter with Blender's module that the project's tests use."""

YAWS_DEG = (0.0, 45.0, 90.0)
HEIGHT_M = 0.36
_SAMPLES = 16
_LEAST_OPACITY = 0.05
_PALETTE = np.array(
    [[64, 89, 166], [38, 166, 154], [245, 166, 35], [211, 47, 47], [123, 31, 162]], np.float64
)
"""sRGB of G0, G1, ..."""


@dataclass(frozen=True)
class _View:
    """One picture to render.

    Args:
        heading: Above its column.
        cloud: Which of the clouds: `expression`, `masked` or `all`.
        yaw_deg: Where it is seen from.
    """

    heading: str
    cloud: str
    yaw_deg: float


_VIEWS = (
    *(_View(f"Expression, {yaw:.0f} deg", "expression", yaw) for yaw in YAWS_DEG),
    _View("Masked", "masked", 0.0),
    _View("Total, 0 deg", "all", 0.0),
    _View("Total, 45 deg", "all", 45.0),
)


def gaussian_figure(
    scenes: Sequence[Scene], progress: Progress, side_px: int = 384, blender: Path = BLENDER
) -> np.ndarray:
    """[H, W, 3] uint8, one row per scene.

    Expression Gaussians have the colour of their layer, all Gaussians their own.

    Args:
        scenes: Driven heads.
        progress: Told after each row.
        side_px: Side of each picture.
        blender: A Python interpreter with the module bpy.

    Raises:
        AvatarError: `bad_request` when Blender is not there or fails.

    Source: Fig. 6. Deviates: the Gaussians that the masks drop are shown too.
    """
    rows = []
    for index, scene in enumerate(scenes):
        progress("render in Blender", index, len(scenes))
        rows.append([scene.picture, *_rendered(scene, side_px, blender)])
    progress("render in Blender", len(scenes), len(scenes))
    return grid(["Result", *(view.heading for view in _VIEWS)], rows, side_px)


def _rendered(scene: Scene, side_px: int, blender: Path) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for cloud, (gaussians, colors) in _clouds(scene.cloud).items():
            write_cloud(folder / f"{cloud}.npz", gaussians, colors)
        shots = [
            {
                "cloud": str(folder / f"{view.cloud}.npz"),
                "out": str(folder / f"{index}.png"),
                "yaw_deg": view.yaw_deg,
            }
            for index, view in enumerate(_VIEWS)
        ]
        low, high = scene.vertices.min(0), scene.vertices.max(0)
        job = {
            "size_px": side_px,
            "samples": _SAMPLES,
            "centre": ((low + high) / 2).tolist(),
            "height_m": HEIGHT_M,
            "shots": shots,
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _run(blender, folder / "job.json")
        return [read_png(Path(shot["out"]))[..., :3] for shot in shots]


def _clouds(cloud: Gaussians) -> dict[str, tuple[Gaussians, np.ndarray]]:
    """Name -> Gaussians and their colours [N, 3] sRGB 0..1."""
    expression = cloud.on_rig
    kept = cloud.opacities > 0
    shown = cloud.select(kept & expression)
    masked = cloud.select(~kept & expression)
    everything = cloud.select(cloud.opacities > _LEAST_OPACITY)
    return {
        "expression": (shown, _layer_colours(shown)),
        "masked": (masked, _layer_colours(masked)),
        "all": (everything, everything.features[:, :3].numpy()),
    }


def _layer_colours(cloud: Gaussians) -> np.ndarray:
    return _PALETTE[cloud.layers.numpy().astype(int) - FIRST_EXPRESSION_LAYER] / 255


def _run(blender: Path, job: Path) -> None:
    if not blender.is_file() or not SCRIPT.is_file():
        raise AvatarError(
            "bad_request",
            f"Fig. 6 is rendered by {SCRIPT} with {blender}; one of them is not there.",
            "Work in a copy of the repository and make its environments with "
            "build_addon.py test --only blender-4.5, or name an interpreter with bpy by --blender.",
        )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BLENDER_", "PYTHON"))}
    done = subprocess.run(
        [str(blender), str(SCRIPT), str(job)], env=kept, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise AvatarError(
            "bad_request",
            f"Blender could not render the Gaussians: {done.stderr.strip()[-600:]}",
            "Correct what it names, or use another interpreter with --blender.",
        )
