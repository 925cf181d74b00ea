"""Exported Gaussians: three readers that we did not write read what the pipeline drives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import gaussforge
import gsply
import numpy as np
import pytest
import skimage.metrics
import torch
from scipy.spatial.transform import Rotation

from backend.avatar.pipeline import Pipeline
from backend.export.arrays import gaussian_counts
from backend.splat.gaussians import Gaussians

from .blender_process import InBlender
from .conftest import Made, Measured, command
from .looking import POSES, Looker

POSE = "yaw 20"
SH_C0 = 0.28209479177387814
OPACITY_LIMIT = 1e-3
TO_Z_UP = Rotation.from_euler("x", 90, degrees=True)
NEAR = 1e-5


@dataclasses.dataclass(frozen=True)
class Exported:
    """The same pose as files and as the pipeline's own Gaussians."""

    whole: Path
    compact: Path
    cloud: Gaussians

    @property
    def kept(self) -> np.ndarray:
        """[N] bool."""
        return self.cloud.opacities.numpy() > 0


@pytest.fixture(scope="module")
def exported(
    made: Made, pipeline: Pipeline, looker: Looker, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    """Written by the command line."""
    folder = tmp_path_factory.mktemp("ply")
    POSES[POSE].save(folder / "pose.flame.npz")

    def written(name: str, *options: str) -> Path:
        given = (made.path, folder / "pose.flame.npz", "--out", folder, "--name", name)
        return Path(command("drive", *given, "--json", *options).json["ply"][0])

    cloud = pipeline.drive(looker.avatar, POSES[POSE])
    return Exported(written("whole"), written("compact", "--compact"), cloud)


def rotations(quats_wxyz: np.ndarray) -> np.ndarray:
    return Rotation.from_quat(np.roll(quats_wxyz, -1, axis=1)).as_matrix()


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values.astype(np.float64)))


def check(read: dict[str, np.ndarray], cloud: Gaussians, shown: np.ndarray) -> None:
    """Activated values, file axes (Z up), against the pipeline's.

    Args:
        read: means, log scales, opacity logits, rgb, quats wxyz; of all `shown` Gaussians.
        cloud: The pipeline's, in head space.
        shown: [N] bool: the Gaussians to compare.
    """
    means = TO_Z_UP.apply(cloud.means.numpy().astype(np.float64))[shown]
    np.testing.assert_allclose(read["means"], means, atol=NEAR)
    scales = cloud.scales.numpy()[shown]
    np.testing.assert_allclose(np.exp(read["scales"].astype(np.float64)), scales, atol=NEAR)
    np.testing.assert_allclose(np.exp(read["scales"].astype(np.float64)), scales, rtol=1e-4)
    opacities = np.clip(cloud.opacities.numpy()[shown], OPACITY_LIMIT, 1 - OPACITY_LIMIT)
    np.testing.assert_allclose(sigmoid(read["opacities"]), opacities, atol=NEAR)
    colours = np.clip(cloud.features.numpy()[shown, :3], 0, 1)
    np.testing.assert_allclose(read["rgb"], colours, atol=NEAR)
    turned = TO_Z_UP.as_matrix() @ rotations(cloud.quats.numpy()[shown])
    np.testing.assert_allclose(rotations(read["quats"]), turned, atol=NEAR)


def read_by_gsply(path: Path) -> dict[str, np.ndarray]:
    read = gsply.plyread(str(path))
    return {
        "means": read.means,
        "scales": read.scales,
        "opacities": read.opacities.ravel(),
        "rgb": 0.5 + SH_C0 * read.sh0.reshape(-1, 3),
        "quats": read.quats,
    }


def test_gsply_reads_every_value_of_the_compact_file(exported: Exported) -> None:
    check(read_by_gsply(exported.compact), exported.cloud, exported.kept)


def test_gsply_reads_every_kept_value_of_the_whole_file(exported: Exported) -> None:
    read = {name: v[exported.kept] for name, v in read_by_gsply(exported.whole).items()}
    check(read, exported.cloud, exported.kept)


def test_blenders_own_importer_reads_every_value(
    exported: Exported, in_blender: InBlender, tmp_path: Path
) -> None:
    in_blender.run("import_ply", tmp_path, plys=[str(exported.compact), str(exported.whole)])
    for path, shown in ((exported.compact, slice(None)), (exported.whole, exported.kept)):
        with np.load(tmp_path / f"{path.stem}.npz") as stored:
            arrays = {name: stored[name][shown] for name in stored.files}
        read = {
            "means": arrays["position"],
            "scales": np.column_stack([arrays[f"scale_{i}"] for i in range(3)]),
            "opacities": arrays["opacity"],
            "rgb": 0.5 + SH_C0 * np.column_stack([arrays[f"f_dc_{i}"] for i in range(3)]),
            "quats": np.column_stack([arrays[f"rot_{i}"] for i in range(4)]),
        }
        check(read, exported.cloud, exported.kept)


def test_gaussforge_reads_the_same_gaussians(exported: Exported) -> None:
    """Through its conversion to .splat, which keeps positions and scales as they are."""
    converted = gaussforge.GaussForge().convert(exported.compact.read_bytes(), "ply", "splat")
    data = converted["data"] if isinstance(converted, dict) else converted
    record = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("q", "u1", 4)])
    table = np.frombuffer(bytes(data), record)
    cloud, shown = exported.cloud, exported.kept
    means = TO_Z_UP.apply(cloud.means.numpy().astype(np.float64))[shown].astype(np.float32)
    scales = cloud.scales.numpy()[shown]
    assert len(table) == len(means)
    # It sorts by size and opacity, so both are put into one order first.
    mine, theirs = (
        np.lexsort(np.round(rows, 4).T)
        for rows in (_rows(means, scales), _rows(table["mean"], table["scale"]))
    )
    np.testing.assert_allclose(table["mean"][theirs], means[mine], atol=2e-4)


def _rows(means: np.ndarray, scales: np.ndarray) -> np.ndarray:
    return np.column_stack([scales, means])


def test_the_reread_file_renders_as_the_coarse_frame(
    exported: Exported, looker: Looker, pipeline: Pipeline, measured: Measured
) -> None:
    read = read_by_gsply(exported.compact)
    back = TO_Z_UP.inv()
    quats = (back * Rotation.from_quat(np.roll(read["quats"], -1, axis=1))).as_quat()
    again = Gaussians(
        means=_tensor(back.apply(read["means"])),
        quats=_tensor(np.roll(quats, 1, axis=1)),
        scales=_tensor(np.exp(read["scales"])),
        opacities=_tensor(sigmoid(read["opacities"])),
        features=_tensor(read["rgb"]),
        layers=torch.zeros(len(quats), dtype=torch.uint8),
        vertices=torch.full((len(quats),), -1, dtype=torch.int32),
    )
    camera = looker.avatar.camera
    direct = pipeline.render(exported.cloud, camera).rgb
    found = skimage.metrics.peak_signal_noise_ratio(
        direct, pipeline.render(again, camera).rgb, data_range=1.0
    )
    measured("re-read PLY against the coarse frame, dB", round(float(found), 1))
    assert found > 45


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))


def test_masks_drop_some_of_each_of_g1_to_g3_and_files_follow(
    exported: Exported, pipeline: Pipeline, looker: Looker, measured: Measured
) -> None:
    cloud, kept = exported.cloud, exported.kept
    layers = cloud.layers.numpy()
    dropped = {f"G{i}": 1 - float(kept[layers == 2 + i].mean()) for i in (1, 2, 3)}
    measured("dropped by masks", {name: round(share, 3) for name, share in dropped.items()})
    assert all(0.05 <= share <= 0.6 for share in dropped.values()), dropped
    assert kept[layers < 3].all(), "identity and G0 have no masks"
    assert len(gsply.plyread(str(exported.whole)).means) == len(cloud)
    assert len(gsply.plyread(str(exported.compact)).means) == kept.sum()
    unmasked = gaussian_counts(pipeline.drive(looker.avatar, POSES[POSE], frozenset({"masks"})))
    assert unmasked["kept"] == unmasked["total"] == len(cloud)
