"""The numbers of a parity run: GAGAvatar's arrays, computed by our modules.

The network works in model units here, so that numbers round as the original's do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.gagavatar.units import (
    ALPHA_MAX,
    EXTENT,
    MODEL_UNITS_PER_M,
    NEAR,
    PointsHead,
    camera_of,
    config_in_model_units,
    in_model_units,
    plane_points,
)
from backend.losses.points import lifting_loss
from backend.model import attributes as at
from backend.model.checkpoint import load_checkpoint
from backend.model.dinov2 import resize_for_patches
from backend.model.dpt import DptAdapter, plane_outputs
from backend.model.generator import harmonic_code
from backend.model.planes import BACK, FRONT, PlaneGaussians
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.model.union import union
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, IDENTITY_BACK, IDENTITY_FRONT, Gaussians
from backend.splat.projection import project
from backend.splat.rasterise import rasterise
from backend.splat.reference import TILE
from shared.camera import Camera
from shared.errors import AvatarError
from shared.progress import Progress, silent
from shared.restricted.damage import ARCHIVE_DAMAGE

INPUTS = {
    "image512": (3, None, None),
    "t_image": (3, None, None),
    "f_transform": (3, 4),
    "t_transform": (3, 4),
    "t_points": (None, 3),
    "t_bbox": (4,),
    "plane_idx": (None,),
}
"""Arrays of a parity run's inputs and their shapes (None: any)."""

_Z_NEAR, _Z_FAR = 0.01, 100.0
"""Of its projection matrix, which only `proj` shows."""

_POINT_WEIGHT = 10.0
_BOX_SIDE = 256

Arrays = dict[str, np.ndarray]


def read_inputs(path: Path) -> Arrays:
    """The inputs of a parity run.

    Raises:
        AvatarError: `bad_file`, naming the array that is missing or of another shape.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: np.asarray(file[name]) for name in file.files}
    except ARCHIVE_DAMAGE as error:
        raise _refused(path, f"it is not an npz of plain arrays ({error})") from error
    for name, shape in INPUTS.items():
        if name not in found:
            raise _refused(path, f"it has no array {name}")
        got = found[name].shape
        if len(got) != len(shape) or any(
            want not in (None, size) for want, size in zip(shape, got, strict=True)
        ):
            raise _refused(path, f"{name} has shape {list(got)}; expected {list(shape)}")
        if not np.isfinite(found[name]).all():
            raise _refused(path, f"{name} has values that are not finite")
    if not np.issubdtype(found["plane_idx"].dtype, np.integer):
        raise _refused(path, f"plane_idx has values of type {found['plane_idx'].dtype}")
    return found


def load_model(path: Path, vertices: int) -> SplitAvatar:
    """The network of a converted checkpoint, for a head of which only the size is known.

    Its Gaussians are measured in model units.
    """
    model = load_checkpoint(path, PointsHead(vertices))
    if not isinstance(model.adapter, DptAdapter) or model.renderer is None:
        raise AvatarError(
            "bad_file",
            f"{path.name} holds the preset {model.config.preset}; parity is with GAGAvatar.",
            "Give the file that `convert` wrote.",
        )
    model.config = config_in_model_units(model.config)
    return model.eval()


@torch.no_grad()
def parity(
    model: SplitAvatar, inputs: Mapping[str, np.ndarray], progress: Progress = silent
) -> Arrays:
    """Every array of a parity run by GAGAvatar's names, in its units.

    Args:
        model: From `load_model`.
        inputs: As `INPUTS`; lengths in model units.
        progress: Told about the steps.
    """
    size = model.config.image_size
    _check_fits(model, inputs)
    image = torch.from_numpy(np.asarray(inputs["image512"], np.float32))[None]
    source = in_model_units(camera_of(inputs["f_transform"], size))
    target = in_model_units(camera_of(inputs["t_transform"], size))
    out: Arrays = {
        name: np.asarray(inputs[name], np.float32) for name in ("f_transform", "t_transform")
    }
    progress("networks", 0, 3)
    encoded = _encode(model, image, source, inputs, out)
    progress("networks", 1, 3)
    vertices = torch.from_numpy(np.asarray(inputs["t_points"], np.float32))[None]
    cloud = _cloud(model, encoded, source, vertices, inputs, out)
    out["view"], out["proj"] = _matrices(target)
    out["radii"] = _radii(cloud, target)
    features = rasterise(
        cloud, target, alpha_max=ALPHA_MAX, near_m=NEAR, extent=EXTENT
    ).features.permute(2, 0, 1)[None]
    out["feature_image_sub"] = features[0, :, ::4, ::4].numpy()
    progress("networks", 2, 3)
    assert model.renderer is not None
    fine = model.renderer(features)
    out["sr_gen_image"] = fine[0].numpy()
    identity = cloud.means[cloud.layers < FIRST_EXPRESSION_LAYER]
    point = float(lifting_loss(identity / MODEL_UNITS_PER_M, vertices[0] / MODEL_UNITS_PER_M))
    out["losses"] = _losses(features[:, :3], fine, inputs, point)
    progress("networks", 3, 3)
    return out


def _check_fits(model: SplitAvatar, inputs: Mapping[str, np.ndarray]) -> None:
    size, cells = model.config.image_size, model.config.grid**2
    chosen = np.asarray(inputs["plane_idx"])
    if chosen.size and not 0 <= chosen.min() <= chosen.max() < cells:
        raise AvatarError(
            "bad_request",
            f"plane_idx goes from {chosen.min()} to {chosen.max()}; a plane has cells 0 to "
            f"{cells - 1}.",
            "Give indices of plane cells.",
        )
    for name in ("image512", "t_image"):
        height, width = inputs[name].shape[-2:]
        if (height, width) != (size, size):
            raise AvatarError(
                "bad_request",
                f"{name} is {width}x{height}; expected {size}x{size}.",
                "Give the picture at the size that the network was trained at.",
            )


def _encode(
    model: SplitAvatar,
    image: Tensor,
    source: Camera,
    inputs: Mapping[str, np.ndarray],
    out: Arrays,
) -> Encoded:
    """Once per portrait, with what it goes through on the way."""
    adapter = model.adapter
    assert isinstance(adapter, DptAdapter)
    direction = torch.from_numpy(source.viewmat[2, :3]).to(image)[None]
    seen = model.encoder(image)
    fused = adapter.fused(seen, image)
    g0_raw = model.generator(seen.global_feature, direction)
    out["f_image518"] = resize_for_patches(image)[0].numpy()
    out["plane_points"] = plane_points(inputs["f_transform"], model.config.grid).numpy()
    out["plane_dirs"] = direction[0].numpy()
    out["dir_embedding"] = harmonic_code(direction).numpy()
    out["tok_last"] = seen.maps[-1][0].flatten(1).mT[::37].numpy()
    out["global_feature"] = seen.global_feature.numpy()
    out["feature_map_sub"] = fused[0, :, ::8, ::8].numpy()
    out["g_rotations"] = F.normalize(g0_raw[0, :, at.ROTATION], dim=0).numpy()
    plane_raw = plane_outputs(adapter.planes, fused, direction)
    chosen = torch.from_numpy(np.asarray(inputs["plane_idx"], np.int64))
    for name, plane in (("l0", BACK), ("l1", FRONT)):
        offset = plane_raw[0, plane, :, at.PLANE_OFFSET].sigmoid()
        out[f"{name}_positions"] = offset[chosen, None].numpy()
    return Encoded(seen.global_feature, plane_raw, g0_raw)


def _cloud(
    model: SplitAvatar,
    encoded: Encoded,
    source: Camera,
    vertices: Tensor,
    inputs: Mapping[str, np.ndarray],
    out: Arrays,
) -> Gaussians:
    """All Gaussians in GAGAvatar's order: the head's, the plane behind, the plane before."""
    planes = _at_its_points(model.identity(encoded, None, source), encoded, source, out)
    frames = torch.eye(3).expand(*vertices.shape[:2], 3, 3)
    expression = model.expression(encoded.g0_raw, vertices, frames)
    layer = expression.layers[0]
    out["g_colors"] = layer.features[0].numpy()
    out["g_opacities"] = layer.opacities[0, :, None].numpy()
    # before their covariances were turned into proper quaternions
    raw_scale = encoded.g0_raw[0, :, at.SCALE].sigmoid() * model.config.lambda_scale[0]
    out["g_scales"] = raw_scale.numpy()
    out["g_xyz"] = layer.means[0].numpy()
    chosen = np.asarray(inputs["plane_idx"], np.int64)
    out["plane_idx"] = chosen
    _plane_arrays(planes, torch.from_numpy(chosen), model.config.grid**2, out)
    cloud = union(planes, expression)
    order = (FIRST_EXPRESSION_LAYER, IDENTITY_BACK, IDENTITY_FRONT)
    return Gaussians.cat([cloud.select(cloud.layers == which) for which in order])


def _at_its_points(
    planes: PlaneGaussians, encoded: Encoded, source: Camera, out: Arrays
) -> PlaneGaussians:
    """The planes' Gaussians where the original's float32 arithmetic puts them."""
    points = torch.from_numpy(out["plane_points"])
    forward = torch.from_numpy(source.viewmat[2, :3]).to(points)
    offsets = encoded.plane_raw[0, :, :, at.PLANE_OFFSET, None].sigmoid()  # 1 unit at the most
    means = torch.cat([points - offsets[FRONT] * forward, points + offsets[BACK] * forward])
    return dataclasses.replace(planes, means=means[None])


def _plane_arrays(planes: PlaneGaussians, chosen: Tensor, cells: int, out: Arrays) -> None:
    for name, plane in (("l0", BACK), ("l1", FRONT)):
        at_cells = chosen + plane * cells
        out[f"{name}_colors"] = planes.features[0, at_cells].numpy()
        out[f"{name}_opacities"] = planes.opacities[0, at_cells, None].numpy()
        out[f"{name}_scales"] = planes.scales[0, at_cells].numpy()
        out[f"{name}_rotations"] = planes.quats[0, at_cells].numpy()
        out[f"{name}_xyz"] = planes.means[0, at_cells].numpy()


def _matrices(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Its view and full projection, for row vectors, in model units."""
    view = camera.viewmat
    depth = _Z_FAR / (_Z_FAR - _Z_NEAR)
    projection = np.zeros((4, 4))
    projection[0, 0] = 2 * camera.K[0, 0] / camera.width
    projection[1, 1] = 2 * camera.K[1, 1] / camera.height
    projection[2, 2], projection[2, 3], projection[3, 2] = depth, -depth * _Z_NEAR, 1
    return view.T.astype(np.float32), (projection @ view).T.astype(np.float32)


def _radii(cloud: Gaussians, camera: Camera) -> np.ndarray:
    """[N] int32 its radii: 0 where a Gaussian touches no tile of the picture."""
    projected = project(cloud, camera, near_m=NEAR)
    corner, radius = projected.means2d - 0.5, projected.radii[:, None]
    tiles = corner.new_tensor([-(-camera.width // TILE), -(-camera.height // TILE)])
    low = ((corner - radius) / TILE).trunc().clamp_min(0).minimum(tiles)
    high = ((corner + radius + TILE - 1) / TILE).trunc().clamp_min(0).minimum(tiles)
    touches = ((high - low) > 0).all(dim=-1)
    return projected.radii.where(touches, 0).to(torch.int32).numpy()


def _losses(
    coarse: Tensor, fine: Tensor, inputs: Mapping[str, np.ndarray], point: float
) -> np.ndarray:
    """[percep, img, box, point] as its released training code adds them up.

    The perceptual loss needs weights that are no part of the network: NaN. The stored number of the
    box loss is met when the box's first and third values count rows, and the crops are compared at
    256 x 256.
    """
    target = torch.from_numpy(np.asarray(inputs["t_image"], np.float32))[None]
    whole = F.l1_loss(coarse, target) + F.l1_loss(fine, target)
    inside = [_box(picture, np.asarray(inputs["t_bbox"])) for picture in (coarse, fine, target)]
    box = F.l1_loss(inside[0], inside[2]) + F.l1_loss(inside[1], inside[2])
    return np.array([np.nan, 0.5 * float(whole), 0.5 * float(box), _POINT_WEIGHT * point])


def _box(picture: Tensor, box: np.ndarray) -> Tensor:
    size = picture.shape[-1]
    top, left, bottom, right = (int(v) for v in np.clip(box, 0, 1) * size)
    crop = picture[..., top : max(bottom, top + 1), left : max(right, left + 1)]
    side = (_BOX_SIDE, _BOX_SIDE)
    return F.interpolate(crop, size=side, mode="bilinear", align_corners=False, antialias=True)


def _refused(path: Path, why: str) -> AvatarError:
    return AvatarError(
        "bad_file",
        f"{path.name} is not a parity run's inputs: {why}.",
        f"Expected the arrays {', '.join(INPUTS)}.",
    )
