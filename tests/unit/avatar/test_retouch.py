"""What the retoucher adds to a picture of any camera."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from backend.avatar.detail import Drawn
from backend.avatar.pipeline import Pipeline
from backend.avatar.retouch import STRENGTH, Retouch, shipped
from backend.avatar.weights import UNTRAINED
from backend.losses.pixels import psnr
from backend.model.retoucher import CLUES, PICTURE, PLANES, SIDE_PX
from backend.splat.rasterise import Raster
from shared.camera import Camera, portrait_intrinsics

GREY, ADDED = 0.5, 0.2


class _Painter(torch.nn.Module):
    """Adds to the red of what it is given, and remembers that."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        self.seen.append(planes)
        added = torch.zeros(len(planes), PICTURE, *planes.shape[2:])
        added[:, 0] = ADDED
        return added


def _camera(side: int, nearer: float = 1.0) -> Camera:
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[2, 3] = 1.8 / nearer
    return Camera(view, portrait_intrinsics(side), side, side)


def _drawn(camera: Camera, box: tuple[slice, slice]) -> Drawn:
    """A grey square."""
    alpha = torch.zeros(camera.height, camera.width)
    alpha[box] = 1
    depth = alpha * float(camera.viewmat[2, 3])
    clues = torch.zeros(camera.height, camera.width, len(CLUES))
    picture = Raster((GREY * alpha)[..., None].expand(-1, -1, 3), alpha, depth)
    return Drawn(picture, clues, torch.zeros_like(alpha)[..., None])


@pytest.mark.parametrize(("side", "step"), [(256, 1), (512, 2), (1024, 4)])
def test_heads_are_as_large_for_it_as_in_its_training(side, step):
    camera, painter = _camera(side), _Painter()
    box = (slice(side // 4, side // 2), slice(side // 4, side // 2))
    drawn = _drawn(camera, box)
    raster = Retouch(painter)(drawn, camera)  # pyright: ignore[reportArgumentType]
    (seen,) = painter.seen
    assert seen.shape == (1, PLANES, SIDE_PX // 2, SIDE_PX // 2)
    torch.testing.assert_close(seen[0, 3].sum() * step**2, drawn.raster.alpha.sum())
    inside = raster.features[box]
    torch.testing.assert_close(
        inside[..., 0], torch.full_like(inside[..., 0], GREY + STRENGTH * ADDED)
    )
    assert (inside[..., 1:] == GREY).all()
    outside = drawn.raster.alpha == 0
    assert not raster.features[outside].any(), "where nobody is, nothing is painted"
    assert not raster.alpha[outside].any()


def test_a_picture_that_is_no_multiple_of_anything_is_retouched_to_its_edges():
    camera = dataclasses.replace(_camera(512), width=333, height=217)
    raster = Retouch(_Painter())(_drawn(camera, (slice(None), slice(None))), camera)  # pyright: ignore[reportArgumentType]
    assert raster.features.shape == (217, 333, 3)
    assert (raster.features[..., 0] > GREY + STRENGTH * ADDED / 2).all()


def test_colours_stay_below_alpha_and_alpha_below_one():
    camera = _camera(256)
    drawn = _drawn(camera, (slice(0, 64), slice(0, 64)))
    drawn.raster.features = (
        torch.full_like(drawn.raster.features, 0.9) * drawn.raster.alpha[..., None]
    )
    raster = Retouch(_Painter())(drawn, camera)  # pyright: ignore[reportArgumentType]
    assert (raster.features <= raster.alpha[..., None]).all()
    assert float(raster.alpha.max()) == 1


def test_of_necks_below_collars_nothing_is_painted():
    camera = _camera(256)
    drawn = _drawn(camera, (slice(64, 128), slice(64, 128)))
    drawn.covered[64:96] = 1
    raster = Retouch(_Painter())(drawn, camera)  # pyright: ignore[reportArgumentType]
    assert (raster.features[64:96, 64:128] == GREY).all()
    assert (raster.features[96:128, 64:128, 0] > GREY).all()


def test_beside_a_neck_that_has_turned_out_of_its_collar_hardly_anything_is_painted():
    """The collar's white would reach up to the jaw; farther away all is added."""
    camera = _camera(512)
    drawn = _drawn(camera, (slice(64, 320), slice(64, 320)))
    drawn.covered[64:96] = 1
    raster = Retouch(_Painter())(drawn, camera)  # pyright: ignore[reportArgumentType]
    added = (raster.features[..., 0] - GREY)[64:320, 192]
    assert (added[:32] == 0).all()
    assert (added[32:48] < 0.15 * added[-1]).all()
    assert (added.diff() >= -1e-6).all()
    torch.testing.assert_close(added[160:], added[-1].expand(96))


class _Haloes(torch.nn.Module):
    """Adds alpha, wherever it is."""

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        added = torch.zeros(len(planes), PICTURE, *planes.shape[2:])
        added[:, 3] = ADDED
        return added


def test_what_is_added_fades_where_splats_do_so_that_no_outline_ends_in_a_step():
    camera = _camera(256)
    drawn = _drawn(camera, (slice(0, 128), slice(0, 128)))
    drawn.raster.alpha[:128, :128] = torch.linspace(0, 0.8, 128)
    raster = Retouch(_Haloes())(drawn, camera)  # pyright: ignore[reportArgumentType]
    added = (raster.alpha - drawn.raster.alpha)[64, :128]
    assert float(added[0]) == 0
    assert float(added.diff().abs().max()) < 0.1 * STRENGTH * ADDED
    torch.testing.assert_close(added[-1], torch.tensor(STRENGTH * ADDED))


@pytest.mark.parametrize("nearer", [0.2, None])
def test_who_is_too_small_or_not_there_is_left_alone(nearer):
    camera, painter = _camera(256, nearer or 1), _Painter()
    nobody = (slice(0, 0), slice(0, 0))
    drawn = _drawn(camera, (slice(8, 32), slice(8, 32)) if nearer else nobody)
    assert Retouch(painter)(drawn, camera) is drawn.raster  # pyright: ignore[reportArgumentType]
    assert not painter.seen


def test_the_shipped_one_leaves_the_portraits_own_pose_and_changes_others(
    pipeline, avatar, portrait
):
    inside = portrait.matte > 0.5
    for yaw, least, most in ((0.0, 44, np.inf), (0.35, 20, 45)):
        frame = dataclasses.replace(
            avatar.source,
            global_orient=avatar.source.global_orient + np.array([[0, yaw, 0]], np.float32),
        )
        drawn = pipeline.drawn(avatar, frame, avatar.camera)
        retouched = shipped(pipeline.device)(drawn, avatar.camera)
        before = drawn.raster.features.numpy()
        assert least < psnr(retouched.features.numpy(), before, inside) < most
        again = shipped(pipeline.device)(drawn, avatar.camera)
        assert torch.equal(again.features, retouched.features), "a still avatar does not flicker"
        picture = pipeline.picture(avatar, frame, avatar.camera)
        np.testing.assert_array_equal(picture.rgb, retouched.features.numpy())


def test_without_anything_trained_pictures_are_as_they_were_drawn(pipeline, avatar):
    frame = dataclasses.replace(avatar.source, global_orient=np.array([[0, 0.3, 0]], np.float32))
    untrained = Pipeline(device="cpu", weights=UNTRAINED)
    drawn = pipeline.drawn(avatar, frame, avatar.camera).raster.features.numpy()
    np.testing.assert_array_equal(untrained.picture(avatar, frame, avatar.camera).rgb, drawn)
    assert untrained.model_hash == pipeline.model_hash, "its avatars are everybody's"
    assert untrained.picture_hash != pipeline.picture_hash
