"""Skin beside a fitted neck and jaw lies as deep as these, and has their colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree

from backend.lifting.neck import neck_sides
from backend.lifting.neck_width import below_ears
from backend.lifting.parts import Parts
from backend.lifting.planes import PlaneTargets
from backend.lifting.sampling import look_up
from backend.lifting.view import View

_STEP_PX = 3.0
NONE = np.zeros(5418, bool)
"""No vertex's neck is the mesh's: nothing goes on under it."""


@pytest.fixture(scope="module")
def bare(portrait, pipeline) -> View:
    """The sample with a bare neck that reaches far beyond the fitted one."""
    view = View(replace(portrait, matte=np.ones_like(portrait.matte)), pipeline.head)
    view.parts = Parts(*[np.zeros(view.matte.shape, bool)] * 2)
    return view


@pytest.fixture(scope="module")
def worn(bare, pipeline) -> View:
    """The same in clothes from top to toe."""
    view = View(bare.portrait, pipeline.head)
    view.parts = Parts(np.zeros(bare.matte.shape, bool), np.ones(bare.matte.shape, bool))
    return view


def flat(view: View) -> PlaneTargets:
    """Green, and at the plane through the head's origin."""
    zero, one = np.zeros_like(view.matte), np.ones_like(view.matte)
    return PlaneTargets(
        zero, zero, np.dstack([zero, one, zero]), zero.astype(bool), np.stack([one, zero])
    )


def cells_of(view: View) -> np.ndarray:
    steps = np.arange(_STEP_PX / 2, len(view.matte), _STEP_PX)
    return np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)


@pytest.fixture(scope="module")
def colours(bare) -> np.ndarray:
    """[V, 3] brighter from below upwards."""
    height = bare.vertices[0].numpy()[:, 1:2]
    return np.repeat((height - height.min()) / np.ptp(height), 3, axis=1)


def test_skin_beside_neck_and_jaw_is_as_deep_and_coloured_as_they_are_at_their_edge(bare, colours):
    discs, sides = neck_sides(bare, flat(bare), colours, NONE, cells_of(bare), _STEP_PX)
    places = discs.means.double().numpy()
    depth = bare.camera.depth(places)
    on_mesh = bare.visible.face >= 0
    assert len(discs) > 100
    assert not (sides & on_mesh).any(), "that is the rig's"
    assert not look_up(on_mesh, bare.camera.project(places), False).any()
    low = on_mesh & bare.shows_all(below_ears(bare))
    assert depth.min() > bare.visible.depth[low].min() - 1e-3
    assert depth.max() < bare.visible.depth[low].max() + 1e-3
    skin = bare.vertices[0].numpy()[below_ears(bare)]
    near = np.asarray(KDTree(skin).query(places)[1])
    wanted = colours[below_ears(bare)][near]
    assert np.abs(discs.features.numpy() - wanted).max() < 0.1


def test_clothes_hair_and_what_the_planes_do_not_own_are_left_alone(bare, worn, colours):
    discs, sides = neck_sides(worn, flat(worn), colours, NONE, cells_of(worn), _STEP_PX)
    assert len(discs) == 0
    assert not sides.any()
    clear = flat(bare)
    clear.opacity[:] = 0
    assert len(neck_sides(bare, clear, colours, NONE, cells_of(bare), _STEP_PX)[0]) == 0


def test_skin_goes_on_under_the_meshs_edge_and_below_the_crop(bare, colours):
    neck = bare.regions["neck"] & below_ears(bare)
    cells, mesh = cells_of(bare), bare.visible.face >= 0
    discs, _ = neck_sides(bare, flat(bare), colours, neck, cells, _STEP_PX)
    pixels = bare.camera.project(discs.means.double().numpy())
    under = look_up(mesh, pixels, False)
    inside = np.asarray(distance_transform_edt(mesh & bare.shows_all(neck)))
    away = look_up(inside, pixels, 0.0)
    assert under.sum() > 20
    to_bottom = len(mesh) - pixels[:, 1]
    assert np.minimum(away, to_bottom)[under].max() < 12
    deeper = bare.camera.depth(discs.means.double().numpy()) - look_up(
        bare.visible.depth, pixels, 0.0
    )
    assert np.allclose(deeper[under], 0.004, atol=1e-3)


def test_under_clothes_no_skin_goes_on(worn, colours):
    neck = worn.regions["neck"]
    discs, _ = neck_sides(worn, flat(worn), colours, neck, cells_of(worn), _STEP_PX)
    assert len(discs) == 0
