"""The portrait's detail in its avatar's pictures: whole at its own pose, never made up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch

from backend.avatar.detail import Detail, _of_splats
from backend.avatar.eyeballs import Eyeballs
from backend.avatar.openings import Opening
from backend.losses.pixels import psnr
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera, portrait_intrinsics
from shared.flame import Track

_SIDE = 64


def test_an_avatars_own_picture_is_its_portrait(pipeline, avatar, portrait):
    inside = portrait.matte > 0.5
    own = pipeline.picture(avatar, avatar.source, avatar.camera)
    coarse = pipeline.render(pipeline.drive(avatar, avatar.source), avatar.camera)
    assert psnr(own.rgb, portrait.matted, inside) > 44, "its outline, seen edge on, as well"
    assert psnr(own.rgb, portrait.matted, inside) > psnr(coarse.rgb, portrait.matted, inside) + 6
    assert np.abs(own.alpha - portrait.matte).mean() < 0.01
    assert (own.rgb <= own.alpha[..., None]).all(), "premultiplied"
    np.testing.assert_array_equal(own.depth, coarse.depth)


@pytest.mark.parametrize(("side", "most"), [(256, 0.005), (394, 0.003)])
def test_a_smaller_picture_has_the_same_outline(pipeline, avatar, side, most):
    """Seen from as far, in fewer pixels: what averaging the large picture's pixels gives.
    With an unchanged low pass .093 and .024 are missed."""
    own = pipeline.picture(avatar, avatar.source, avatar.camera)
    small = pipeline.picture(avatar, avatar.source, avatar.camera.resized(side, side))
    averaged = cv2.resize(
        np.dstack([own.rgb, own.alpha]), (side, side), interpolation=cv2.INTER_AREA
    )
    soft = (averaged[..., 3] > 0.1) & (averaged[..., 3] < 0.9)
    away = (np.dstack([small.rgb, small.alpha]) - averaged)[soft]
    assert soft.sum() > 500
    assert abs(away[:, 3].mean()) < most
    assert np.abs(away[:, :3].mean(0)).max() < most


def test_the_detail_goes_on_around_the_crop(pipeline, avatar):
    """Shoulders, where splats lie half as dense."""
    photo = avatar.photo.numpy() / np.float32(255)
    around = np.pad(np.zeros((512, 512), bool), 256, constant_values=True)
    shown = around & (photo[..., 3] > 0.9)
    assert shown.sum() > 5000
    own = pipeline.picture(avatar, avatar.source, avatar.photo_camera).rgb
    coarse = pipeline.render(pipeline.drive(avatar, avatar.source), avatar.photo_camera).rgb
    assert psnr(own, photo[..., :3], shown) > psnr(coarse, photo[..., :3], shown) + 6


def test_switched_off_parts_are_not_filled_in(pipeline, avatar):
    ablate = frozenset({"gsn"})
    shown = pipeline.picture(avatar, avatar.source, avatar.camera, ablate)
    cloud = pipeline.drive(avatar, avatar.source, ablate)
    np.testing.assert_array_equal(shown.rgb, pipeline.render(cloud, avatar.camera).rgb)


def test_an_avatar_without_its_photo_is_drawn_by_its_splats(pipeline, avatar):
    plain = dataclasses.replace(avatar, photo=None)
    shown = pipeline.picture(plain, avatar.source, avatar.camera)
    cloud = pipeline.drive(avatar, avatar.source)
    np.testing.assert_array_equal(shown.rgb, pipeline.render(cloud, avatar.camera).rgb)


def test_a_turned_head_is_no_blurrier_than_its_splats(pipeline, avatar):
    turned = dataclasses.replace(
        avatar.neutral(), global_orient=np.array([[0, np.radians(12), 0]], np.float32)
    )
    fine = pipeline.picture(avatar, turned, avatar.camera).rgb
    coarse = pipeline.render(pipeline.drive(avatar, turned), avatar.camera).rgb
    assert _sharpness(fine) > 1.1 * _sharpness(coarse)


def test_a_camera_that_sees_nothing_shows_nothing(pipeline, avatar):
    beside = avatar.camera.viewmat.copy()
    beside[0, 3] += 5.0
    shown = pipeline.picture(avatar, avatar.source, Camera(beside, avatar.camera.K, 320, 200))
    assert shown.rgb.shape == (200, 320, 3)
    assert not shown.rgb.any()
    assert not shown.alpha.any()


@pytest.mark.parametrize("size", [(1, 1), (7, 2), (3, 5)])
def test_a_few_pixels_of_a_picture_are_drawn_alone(pipeline, avatar, size):
    """A renderer's border may be as small as that."""
    corner = np.array([256 - size[0] // 2, 256 - size[1] // 2])
    k = avatar.camera.K.copy()
    k[:2, 2] -= corner
    few = pipeline.drawn(avatar, avatar.source, Camera(avatar.camera.viewmat, k, *size)).raster
    whole = pipeline.drawn(avatar, avatar.source, avatar.camera).raster
    at = (slice(corner[1], corner[1] + size[1]), slice(corner[0], corner[0] + size[0]))
    np.testing.assert_allclose(few.features, whole.features[at], atol=0.04)


def test_the_mouth_that_the_portrait_hides_gets_no_detail(pipeline, avatar):
    """Teeth lie behind lips: nothing of the lips is painted on them."""
    opened = Track.from_arkit({"jawOpen": 0.7}, betas=avatar.source.betas)
    fine = pipeline.drawn(avatar, opened, avatar.camera).raster.features.numpy()
    coarse = pipeline.render(pipeline.drive(avatar, opened), avatar.camera).rgb
    lips = pipeline.tracker.detector.detect((coarse * 255).clip(0, 255).astype(np.uint8))[0]
    mouth = lips.landmarks[[13, 14], :2].mean(0).astype(int)
    at = (slice(mouth[1] - 3, mouth[1] + 3), slice(mouth[0] - 6, mouth[0] + 6))
    assert np.abs(fine[at] - coarse[at]).max() < 0.02


def _detail(
    photo: torch.Tensor,
    cloud: Gaussians,
    camera: Camera,
    mouth: Opening | None = None,
    lids: Sequence[Opening] = (),
    lips: torch.Tensor | None = None,
    clothes: torch.Tensor | None = None,
) -> Detail:
    """Carried by all, with nothing before them; without mouth and clothes, unless given."""
    none, nowhere = torch.zeros(len(cloud)) > 0, torch.zeros(_SIDE, _SIDE) > 0
    clothes = none if clothes is None else clothes
    mouth = mouth or Opening(none.float(), none, none, still_px=4)
    lips = nowhere if lips is None else lips
    eyes = Eyeballs([none], none, cloud.quats)
    return Detail(photo, cloud, camera, 0.999, mouth, lids, eyes, clothes, nowhere, lips)


@pytest.mark.parametrize(("zoom", "across_m"), [(1.0, 0.0), (1.0, 0.01), (1.5, 0.0), (0.6, 0.004)])
def test_detail_is_moved_and_scaled_with_the_splats(zoom, across_m):
    """A flat sheet of coarse splats under a photo of fine stripes, seen nearer and aside."""
    cloud, camera = _sheet(), _camera()
    photo = _stripes(np.mgrid[:_SIDE, :_SIDE] + 0.5)
    detail = _detail(torch.from_numpy(photo), cloud, camera)
    viewmat = camera.viewmat.copy()
    viewmat[2, 3] /= zoom
    viewmat[0, 3] += across_m
    moved = dataclasses.replace(camera, viewmat=viewmat)
    shown = detail.drawn(cloud, moved).raster.features.numpy()
    middle = (_SIDE - 1) / 2 + 0.5
    shift = across_m * camera.K[0, 0] / camera.viewmat[2, 3] * zoom
    y, x = np.mgrid[:_SIDE, :_SIDE] + 0.5
    places = np.stack([(y - middle) / zoom + middle, (x - shift - middle) / zoom + middle])
    wanted = _stripes(places)[..., :3]
    inside = ((places > 20) & (places < _SIDE - 20)).all(0)
    assert inside.sum() > 100
    coarse = rasterise(cloud, moved).features.numpy()
    assert np.abs(shown - wanted)[inside].mean() < 0.06
    assert np.abs(coarse - wanted)[inside].mean() > 0.1


def test_what_lies_behind_the_portraits_splats_stays_as_it_is():
    """A second sheet behind the first, seen alone when that one is gone."""
    front, camera = _sheet(), _camera()
    behind = _sheet(z_m=-0.05)
    photo = torch.from_numpy(_stripes(np.mgrid[:_SIDE, :_SIDE] + 0.5))
    both = Gaussians.cat([front, behind])
    detail = _detail(photo, both, camera)
    gone = dataclasses.replace(front, opacities=torch.zeros(len(front)))
    shown = detail.drawn(Gaussians.cat([gone, behind]), camera).raster.features
    np.testing.assert_allclose(shown, rasterise(behind, camera).features, atol=1e-3)


def test_an_outline_that_lies_inside_now_leaves_no_line():
    """A sheet, at whose right end the photo shows a dark edge, moves before another one."""
    pixel_m, camera = float(1.8 / _camera().K[0, 0]), _camera()
    whole = _sheet()
    x, y = whole.means[:, 0] / pixel_m, -whole.means[:, 1] / pixel_m  # from the picture's middle
    face, hat = whole.select(y < -14), whole.select((y >= -14) & (x < 0))
    hat = dataclasses.replace(hat, layers=torch.zeros(len(hat), dtype=torch.uint8))
    backdrop = _sheet(z_m=-0.02)
    absent = dataclasses.replace(backdrop, opacities=torch.zeros(len(backdrop)))
    own = Gaussians.cat([hat, face, absent])
    raster = rasterise(own, camera)
    photo = torch.cat([raster.features, raster.alpha[..., None]], dim=-1)
    cut = slice(_SIDE // 2 - 6, _SIDE // 2 - 4)
    photo[22:, cut] = 0
    detail = _detail(photo, own, camera)
    rows = slice(32, 44)  # nearer to the border detail fades
    assert detail.drawn(own, camera).raster.features[rows, cut].max() < 0.1, (
        "there it is the outline"
    )
    moved = dataclasses.replace(hat, means=hat.means + torch.tensor([14 * pixel_m, 0, 0]))
    shown = detail.drawn(Gaussians.cat([moved, face, backdrop]), camera).raster.features
    assert shown[rows, _SIDE // 2 : -4].min() > 0.4


def test_clothes_that_stay_keep_their_whole_outline_when_the_head_goes():
    """Below a head that moves by ten pixels, the photo's shoulders end five pixels lower."""
    pixel_m, camera = float(1.8 / _camera().K[0, 0]), _camera()
    whole = _sheet()
    y = -whole.means[:, 1] / pixel_m  # downwards from the picture's middle
    head, torso = whole.select(y < -10), whole.select(y > 12)
    torso = dataclasses.replace(torso, layers=torch.zeros(len(torso), dtype=torch.uint8))
    own = Gaussians.cat([torso, head])
    raster = rasterise(own, camera)
    photo = torch.cat([raster.features, raster.alpha[..., None]], dim=-1)
    middle = _SIDE // 2
    shoulder = middle + int(torch.nonzero(raster.alpha[middle:, middle] > 0.5)[0])
    photo[middle : shoulder + 5] = 0
    moved = dataclasses.replace(head, means=head.means + torch.tensor([10 * pixel_m, 0, 0]))
    clothes = torch.arange(len(own)) < len(torso)
    below = (slice(shoulder, shoulder + 3), slice(middle - 10, middle + 10))
    left = {}
    for kind, worn in (("worn", clothes), ("unknown", clothes & False)):
        shown = _detail(photo, own, camera, clothes=worn).drawn(
            Gaussians.cat([torso, moved]), camera
        )
        left[kind] = float(shown.raster.alpha[below].mean())
    assert left["worn"] < 0.1 < 0.4 < left["unknown"]


def test_of_an_edge_of_clothes_no_line_stays_on_a_neck_that_turns_away():
    """Cloth before the left half of a neck, at its edge the photo's white line; the neck moves."""
    pixel_m, camera = float(1.8 / _camera().K[0, 0]), _camera()
    neck = _sheet()
    collar = _sheet(z_m=0.02).select(neck.means[:, 0] < 0)
    collar = dataclasses.replace(collar, layers=torch.zeros(len(collar), dtype=torch.uint8))
    own = Gaussians.cat([collar, neck])
    raster = rasterise(own, camera)
    photo = torch.cat([raster.features, raster.alpha[..., None]], dim=-1)
    edge, rows, moved_px = _SIDE // 2 + 2, slice(20, -20), 12
    photo[:, edge + 1 : edge + 4, :3] = 0.7
    moved = dataclasses.replace(neck, means=neck.means + torch.tensor([moved_px * pixel_m, 0, 0]))
    now = Gaussians.cat([collar, moved])
    coarse = rasterise(now, camera).features
    added, covered = {}, {}
    for kind, count in (("worn", len(collar)), ("unknown", 0)):
        worn = torch.arange(len(own)) < count
        drawn = _detail(photo, own, camera, clothes=worn).drawn(now, camera)
        line = (drawn.raster.features - coarse).abs()[rows, edge + moved_px : edge + moved_px + 5]
        added[kind] = float(line.mean())
        covered[kind] = drawn.covered[rows, :, 0]
    assert added["unknown"] > 0.02
    assert added["worn"] < 0.3 * added["unknown"]
    assert float(covered["worn"][:, edge + 3 : edge + moved_px - 2].min()) > 0.5, "was behind it"
    assert float(covered["worn"][:, edge + moved_px + 15 :].max()) < 0.1
    assert float(covered["worn"][:, : edge - 12].max()) < 0.1, "the cloth itself"
    assert not covered["unknown"].any()


@pytest.mark.parametrize("kind", ["mouth", "lids"])
def test_what_lies_in_an_opening_carries_detail_only_while_that_is_as_wide(kind):
    """A sheet whose middle is teeth between lips, or an eye between lids."""
    cloud, camera = _sheet(), _camera()
    y = cloud.means[:, 1] * camera.K[0, 0] / 1.8  # pixels upwards from the picture's middle
    opening = Opening((y.abs() < 8).float(), (y > 8) & (y < 16), (y < -8) & (y > -16), still_px=4)
    photo = torch.from_numpy(_stripes(np.mgrid[:_SIDE, :_SIDE] + 0.5))
    if kind == "mouth":
        detail = _detail(photo, cloud, camera, opening)
    else:
        detail = _detail(photo, cloud, camera, lids=[opening])
    middle = (slice(_SIDE // 2 - 4, _SIDE // 2 + 4), slice(20, -20))
    coarse = rasterise(cloud, camera).features[middle]
    assert (detail.drawn(cloud, camera).raster.features[middle] - coarse).abs().mean() > 0.08
    means = cloud.means.clone()
    means[opening.lower, 1] -= 6 * 1.8 / camera.K[0, 0]
    opened = dataclasses.replace(cloud, means=means)
    apart = detail.drawn(opened, camera).raster.features - rasterise(opened, camera).features
    assert apart[middle].abs().mean() < 0.02


def test_an_edge_of_lips_stays_behind_when_they_move_otherwise_than_the_head():
    """Else both what moves away and what it uncovers would show it."""
    cloud, camera = _sheet(), _camera()
    photo = torch.from_numpy(_stripes(np.mgrid[:_SIDE, :_SIDE] + 0.5))
    lips = torch.zeros(_SIDE, _SIDE) > 0
    lips[28:36] = True
    detail = _detail(photo, cloud, camera, lips=lips)
    pixel_m = 1.8 / camera.K[0, 0]
    part = (cloud.means[:, 1].abs() < 12 * pixel_m)[:, None]
    moved = cloud.means + part * torch.tensor([8 * pixel_m, 0, 0]).float()
    aside = dataclasses.replace(cloud, means=moved)
    carried = (
        detail.drawn(aside, camera).raster.features - rasterise(aside, camera).features
    ).abs()
    assert carried[30:34, 24:40].mean() < 0.3 * carried[22:26, 24:40].mean()
    own = detail.drawn(cloud, camera).raster.features - rasterise(cloud, camera).features
    assert own[30:34, 24:40].abs().mean() > 0.08


def test_what_differs_over_a_whole_patch_is_not_the_splats_own():
    """Pores and strands are; hair that hangs before a cheek is not."""
    lacking = torch.zeros(64, 64, 4)
    lacking[:, :32:2, :3], lacking[:, 1:32:2, :3] = 0.3, -0.3
    lacking[20:44, 40:60, :3] = -0.25
    theirs = _of_splats(lacking)[..., 0]
    assert theirs[8:56, 8:24].min() > 0.9
    assert theirs[26:38, 46:54].max() == 0


def _camera() -> Camera:
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[2, 3] = 1.8
    return Camera(viewmat, portrait_intrinsics(_SIDE), _SIDE, _SIDE)


def _sheet(z_m: float = 0.0) -> Gaussians:
    """Grey splats of four pixels' distance over the whole picture."""
    pixel_m = 1.8 / _camera().K[0, 0]
    steps = (torch.arange(30) - 14.5) * 4 * pixel_m
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    means = torch.stack([x.flatten(), y.flatten(), torch.full((900,), z_m)], dim=-1).float()
    return Gaussians(
        means=means,
        quats=torch.tensor([1.0, 0, 0, 0]).expand(900, 4).contiguous(),
        scales=torch.full((900, 3), 4 * float(pixel_m)),
        opacities=torch.full((900,), 0.9),
        features=torch.full((900, 3), 0.5),
        layers=torch.full((900,), FIRST_EXPRESSION_LAYER, dtype=torch.uint8),
    )


def _stripes(places: np.ndarray) -> np.ndarray:
    """[H, W, 4] float32 at [2, H, W] pixels: waves of eight pixels, opaque."""
    wave = 0.5 + 0.3 * np.sin(places[0] * np.pi / 4) * np.sin(places[1] * np.pi / 4)
    rgb = np.repeat(wave[..., None], 3, axis=-1)
    return np.concatenate([rgb, np.ones_like(wave)[..., None]], axis=-1).astype(np.float32)


def _sharpness(rgb: np.ndarray) -> float:
    return float(np.abs(cv2.Laplacian(rgb.mean(-1), cv2.CV_32F)).mean())
