"""A neck's sides lie as deep as the fitted neck, where the planes' front cannot reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.neck import neck_sides
from backend.lifting.parts import Parts
from backend.lifting.planes import PlaneTargets
from backend.lifting.sampling import look_up
from backend.lifting.view import View

_STEP_PX = 3.0


@pytest.fixture(scope="module")
def bare(portrait, pipeline) -> View:
    """The sample with a bare neck that reaches far beyond the fitted one."""
    view = View(replace(portrait, matte=np.ones_like(portrait.matte)), pipeline.head)
    view.parts = Parts(*[np.zeros(view.matte.shape, bool)] * 2)
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


def test_sides_lie_on_the_fitted_neck_or_at_the_depth_of_its_edge(bare):
    discs, sides = neck_sides(bare, flat(bare), cells_of(bare), _STEP_PX)
    far = bare.camera.viewmat[2, 3]
    depth = bare.camera.depth(discs.means.double().numpy())
    pixels = bare.camera.project(discs.means.double().numpy())
    on_mesh = look_up(bare.visible.face >= 0, pixels, False)
    assert on_mesh.sum() > 100
    assert (~on_mesh).sum() > 100, "beside it, too"
    np.testing.assert_allclose(
        depth[on_mesh], look_up(bare.visible.depth, pixels[on_mesh], 0), atol=2e-3
    )
    assert depth.min() > far - 1e-3
    assert depth[~on_mesh].max() < bare.visible.depth[bare.shows("neck")].max() + 1e-3
    assert not (sides & bare.shows("face")).any()
    assert (discs.features.numpy() == [0, 1, 0]).all()


def test_clothes_hair_and_what_the_planes_do_not_own_are_left_alone(bare, pipeline):
    worn = View(bare.portrait, pipeline.head)
    worn.parts = Parts(np.zeros(bare.matte.shape, bool), np.ones(bare.matte.shape, bool))
    discs, sides = neck_sides(worn, flat(worn), cells_of(worn), _STEP_PX)
    assert len(discs) == 0
    assert not sides.any()
    clear = flat(bare)
    clear.opacity[:] = 0
    assert len(neck_sides(bare, clear, cells_of(bare), _STEP_PX)[0]) == 0
