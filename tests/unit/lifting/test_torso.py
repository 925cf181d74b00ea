"""Clothes stay when the head moves, and go on behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.parts import Parts
from backend.lifting.planes import PlaneTargets
from backend.lifting.polygons import dilate
from backend.lifting.torso import behind_head, torso_clothes
from backend.lifting.view import View

_STEP_PX = 2.0


@pytest.fixture(scope="module")
def view(portrait, pipeline) -> View:
    return View(portrait, pipeline.head)


def wearing(view: View, clothes: np.ndarray, hair: np.ndarray | None = None) -> View:
    """The same view, where the portrait shows clothes [H, W], and hair [H, W] or none."""
    worn = View(view.portrait, view.head)
    worn.parts = Parts(np.zeros_like(clothes) if hair is None else hair, clothes)
    return worn


def blank(view: View) -> np.ndarray:
    return np.zeros_like(view.matte, bool)


def test_what_reaches_beside_the_chin_is_the_torsos_and_what_reaches_above_the_eyes_the_heads(
    view,
) -> None:
    chin, eyes = (int(view.portrait.landmarks[index, 1]) for index in (152, 33))
    coat, hood, hat = blank(view), blank(view), blank(view)
    coat[chin - 30 :, :60] = True
    hood[eyes - 40 :, -60:] = True
    hat[: eyes - 20, 80:-80] = True
    found = torso_clothes(wearing(view, coat | hood | hat))
    assert found[coat].all()
    assert not found[~dilate(coat, 3)].any()


def test_slivers_beside_clothes_stay_with_them_and_hair_does_not(view) -> None:
    chin = int(view.portrait.landmarks[152, 1])
    coat, jaw, strand, long = blank(view), blank(view), blank(view), blank(view)
    coat[chin + 20 :] = True
    jaw[chin - 60 : chin + 20, 100:105] = True
    strand[chin + 5 : chin + 20, 200:206] = long[chin - 80 :, 300:340] = True
    coat[long] = False
    worn = wearing(view, coat | jaw, strand | long)
    worn.rgb = np.where((coat | jaw | strand)[..., None], (0.1, 0.1, 0.3), (0.8, 0.6, 0.5))
    found = torso_clothes(worn)
    assert found[chin + 6 : chin + 19, 200:206].all()
    assert found[chin : chin + 19, 100:105].all()
    assert not found[: chin - 15].any()
    assert not found[long].any()


def test_an_outline_of_skins_colour_is_no_sliver_of_cloth(view) -> None:
    """It would stand up from the collar when the neck turns away."""
    chin = int(view.portrait.landmarks[152, 1])
    coat, outline = blank(view), blank(view)
    coat[chin + 20 :] = True
    outline[chin - 60 : chin + 20, 230:235] = True
    worn = wearing(view, coat | outline)
    worn.rgb = np.where(coat[..., None], (0.1, 0.1, 0.3), (0.8, 0.6, 0.5))
    found = torso_clothes(worn)
    assert not found[: chin + 12].any()
    assert found[coat].all()


def test_no_seam_of_skin_stays_with_a_collar(view) -> None:
    """Where a neck turns away it would be red; the soft edge of cloth stays."""
    chin = int(view.portrait.landmarks[152, 1])
    coat = blank(view)
    coat[chin + 20 :] = True
    worn = wearing(view, coat)
    for edge, stays in (((0.8, 0.6, 0.5), False), ((0.25, 0.2, 0.3), True)):
        worn.rgb = np.where(coat[..., None], (0.1, 0.1, 0.3), (0.8, 0.6, 0.5))
        worn.rgb[chin + 18 : chin + 20] = edge
        found = torso_clothes(worn)
        assert found[coat].all()
        assert found[chin + 19, view.matte[chin + 19] > 0.95].any() == stays


def flat(view: View) -> PlaneTargets:
    """Clothes 3 cm before the head's middle: red to the left of it, blue to the right."""
    left = np.arange(view.matte.shape[1]) < 256
    rgb = np.broadcast_to(np.where(left[:, None], (0.9, 0, 0), (0, 0, 0.9)), (*view.matte.shape, 3))
    front = np.full_like(view.matte, 0.03)
    return PlaneTargets(front, front, rgb.astype(np.float32), blank(view), np.stack([front] * 2))


def test_clothes_go_on_behind_a_head_up_to_the_lower_of_both_shoulders(view) -> None:
    """A person that fills the picture's middle between two shoulders of different heights."""
    height, width = view.matte.shape
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    person = (x >= 150) & (x < 360)
    left, right = (x < 150) & (y >= 400), (x >= 360) & (y >= 440)
    sliver = (x >= 360) & (x < 365) & (y >= 300) & (y < 440)
    shown = wearing(view, left | right)
    shown.matte = (person | left | right).astype(np.float32)
    steps = np.arange(0, width, _STEP_PX) + 0.5
    cells = np.stack([grid.ravel() for grid in np.meshgrid(steps, steps)], -1)
    clothes, none = left | right | sliver, np.zeros(len(view.vertices[0]), bool)
    found = behind_head(shown, flat(shown), clothes, none, cells, _STEP_PX)
    pixels = shown.camera.project(found.means.double().numpy())
    columns, rows = np.floor(pixels).astype(int).T
    between = pixels[:, 1] - np.interp(pixels[:, 0], [150, 360], [400, 440])
    assert between.min() == pytest.approx(0, abs=3), "collars are as high behind"
    shown.visible = replace(view.visible, face=np.zeros_like(view.visible.face))
    inside = behind_head(shown, flat(shown), clothes, none, cells, _STEP_PX)
    rows_inside = shown.camera.project(inside.means.double().numpy())[:, 1]
    assert rows_inside.min() == pytest.approx(440, abs=3)
    shown.visible = view.visible
    assert 150 - 3 <= pixels[:, 0].min() < 155
    assert 355 < pixels[:, 0].max() <= 360 + 3
    reds = found.features[:, 0].numpy() > 0.5
    np.testing.assert_array_equal(reds, pixels[:, 0] < 256)
    depth = shown.camera.depth(found.means.double().numpy())
    sheet = float(shown.camera.viewmat[2, 3]) - 0.03
    before = np.minimum(sheet, shown.visible.depth[rows, columns])
    assert (depth > before + 0.004).all()
    back = shown.back_of(shown.regions["neck"]).depth[rows, columns]
    throat = shown.shows("neck")[rows, columns] & np.isfinite(back) & person[rows, columns]
    assert throat.any()
    assert (depth[throat] > back[throat] + 0.004).all(), "a collar's inside is behind the neck"
    necks = shown.shows("neck") & np.isfinite(shown.back_of(shown.regions["neck"]).depth)
    beside = dilate(necks, 4)[rows, columns] & ~throat & person[rows, columns]
    assert beside.any()
    assert depth[beside].min() > back[throat].min() + 0.004, "and so is what lies beside that"


def test_behind_a_jaw_clothes_are_not_before_the_neck_but_behind_it(view) -> None:
    """Else a shirt lies on the throat of a head that turns away."""
    neck = view.regions["neck"]
    back = view.back_of(neck).depth
    jaw = np.isfinite(back) & ~view.shows("neck") & (view.matte > 0.5)
    top = np.nonzero(jaw)[0].min() - 10
    coat = (view.matte < 0.5) & (np.arange(len(jaw))[:, None] >= top)
    shown = wearing(view, coat)
    shown.matte = np.maximum(view.matte, coat)
    cells = np.argwhere(jaw)[::7, ::-1] + 0.5

    def clothes(bare: np.ndarray) -> np.ndarray:
        return behind_head(shown, flat(shown), coat, bare, cells, _STEP_PX).means.double().numpy()

    before, behind = clothes(np.zeros_like(neck)), clothes(neck)
    assert len(behind) > 50
    columns, rows = np.floor(shown.camera.project(behind)).astype(int).T
    depth = shown.camera.depth(behind)
    assert (depth > back[rows, columns] + 0.004).all()
    assert (depth - shown.camera.depth(before)).mean() > 0.05


def test_without_clothes_nothing_goes_on(view) -> None:
    cells = np.array([[200.0, 300.0], [250.0, 400.0]])
    shown, neck = wearing(view, blank(view)), view.regions["neck"]
    assert len(behind_head(shown, flat(shown), blank(view), neck, cells, _STEP_PX)) == 0


def test_where_a_neck_only_ends_at_the_pictures_edge_no_collar_goes_on_within(view) -> None:
    """Bits of white shirts hung on throats, where a bust has its neckline."""
    height, width = view.matte.shape
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    left, right = (x < 150) & (y >= 400), (x >= 360) & (y >= 440)
    shown = wearing(view, left | right)
    shown.matte = (((x >= 150) & (x < 360)) | left | right).astype(np.float32)
    cells = np.argwhere((x % 2 == 0) & (y % 2 == 0))[:, ::-1] + 0.5
    none = np.zeros(len(view.vertices[0]), bool)

    def highest(first_row: int) -> float:
        beside = (x >= 150) & (x < 180) & (y >= first_row)
        shown.visible = replace(view.visible, face=np.where(beside, -1, 0))
        found = behind_head(shown, flat(shown), left | right, none, cells, _STEP_PX)
        return float(shown.camera.project(found.means.double().numpy())[:, 1].min())

    assert highest(490) == pytest.approx(440, abs=3)
    assert highest(400) < 430, "beside a neck it does"
