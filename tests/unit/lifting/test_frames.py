"""Frames become Gaussians that lie before the face and show in the portrait where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.frames import frames_of_glasses, standing_off
from backend.lifting.polygons import dilate
from backend.lifting.view import View
from backend.splat.gaussians import IDENTITY_FRONT
from backend.splat.rasterise import rasterise
from tests.unit.lifting.spectacles import put_on


@pytest.fixture(scope="module")
def worn(portrait, pipeline) -> tuple[View, np.ndarray]:
    """A portrait with black frames, and where they are."""
    rgb, where = put_on(portrait.rgb, portrait.landmarks, 0.05, 5)
    return View(replace(portrait, rgb=rgb), pipeline.head), where


def test_they_lie_before_the_face_along_their_own_pixels(worn) -> None:
    view, where = worn
    cloud = frames_of_glasses(view, standing_off(view, where))
    assert (cloud.layers == IDENTITY_FRONT).all()
    places = cloud.means.numpy().astype(np.float64)
    columns, rows = np.floor(view.camera.project(places)).astype(int).T
    assert dilate(where, 2)[rows, columns].all()
    depth = places @ view.camera.viewmat[2, :3] + view.camera.viewmat[2, 3]
    before = view.visible.depth[rows, columns] - depth
    assert before.min() > 0.002
    assert np.median(before) < 0.01


def test_they_show_the_frames_as_the_portrait_does(worn) -> None:
    view, where = worn
    raster = rasterise(frames_of_glasses(view, standing_off(view, where)), view.camera)
    inside = standing_off(view, where)
    assert inside.sum() > 0.8 * where.sum()
    assert raster.alpha.numpy()[inside].min() > 0.9
    shown = raster.features.numpy()[inside] / raster.alpha.numpy()[inside, None]
    assert np.abs(shown - view.rgb[inside]).mean() < 0.08
    assert raster.alpha.numpy()[~dilate(where, 6)].max() < 0.05


def test_no_glasses_make_none(worn) -> None:
    view, where = worn
    assert len(frames_of_glasses(view, np.zeros_like(where))) == 0
