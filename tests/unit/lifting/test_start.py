"""Where personalisation starts: a residual for every Gaussian, and the target."""

from __future__ import annotations

import numpy as np
import torch

from backend.lifting.polygons import dilate, erode
from backend.lifting.torso import torso_clothes
from backend.lifting.view import View


def test_the_start_has_a_residual_for_every_gaussian(begun, pipeline, open_head):
    vertices = len(open_head.v_template)
    for index, layer in enumerate(begun.personal.layers):
        for name, tensor in layer.tensors():
            assert len(tensor) == vertices * 2**index, name
            assert tensor.dtype == torch.float32, name
            assert bool(torch.isfinite(tensor).all()), name
        assert len(begun.personal.frozen[index]) == vertices * 2**index
    grid = pipeline.model.config.grid
    assert len(begun.personal.identity_mask) == 2 * grid * grid
    for name, tensor in begun.personal.identity.tensors():
        assert tensor.shape[:2] == (2, grid * grid), name
        assert bool(torch.isfinite(tensor).all()), name


def test_planes_exist_only_where_the_matte_is(begun, pipeline, portrait):
    grid = pipeline.model.config.grid
    cells = begun.personal.identity_mask.view(2, grid, grid)
    assert not (cells[1] & ~cells[0]).any(), (
        "behind, only where the head's mesh leaves something over"
    )
    centres = portrait.matte[1::2, 1::2] > 0.1  # two pixels a cell, the middle in the second
    np.testing.assert_array_equal(cells[0].numpy(), centres)


def test_no_two_neighbours_of_a_flat_sheet_are_equally_deep(begun, pipeline):
    """Which is drawn first would hang on the camera's last digit: shoulders are flat."""
    grid = pipeline.model.config.grid
    offset = begun.personal.identity.offset.reshape(2, grid, grid, -1)[0, ..., 0]
    away_m = pipeline.model.config.plane_offset_m * torch.sigmoid(offset)
    shown = begun.personal.identity_mask.view(2, grid, grid)[0]
    flat = shown & (away_m < 0.0003)
    assert flat.sum() > 1000
    pairs = flat[:, 1:] & flat[:, :-1]
    alike = away_m.diff(dim=1)[pairs].abs() < 1e-6
    assert alike.float().mean() < 0.005


def test_the_target_is_the_matted_portrait_and_the_fitted_head(begun, portrait, open_head):
    np.testing.assert_array_equal(begun.target.image.numpy(), portrait.matted)
    np.testing.assert_array_equal(begun.target.alpha.numpy(), portrait.matte)
    expected = open_head.vertices_of(portrait.fit.track)
    torch.testing.assert_close(begun.target.vertices, expected)
    frames = begun.target.frames[0]
    products = frames.mT @ frames
    torch.testing.assert_close(products, torch.eye(3).expand_as(products), atol=1e-4, rtol=0)


def test_cells_at_the_edge_of_clothes_stay_with_these(begun, pipeline, portrait):
    """They are the clothes' dark edge: on a neck that turns they would be strokes."""
    view = View(portrait, pipeline.head)
    clothes, grid = torso_clothes(view), pipeline.model.config.grid
    there = begun.personal.identity_mask.view(2, grid, grid)[0].numpy()
    stays = np.zeros((grid, grid), bool)
    stays[there] = begun.clothes[: there.sum()].numpy()
    edge = dilate(clothes, 1) & ~clothes & ~view.parts.hair
    edge, far = edge[1::2, 1::2] & there, ~dilate(clothes, 4)[1::2, 1::2] & there
    assert edge.sum() > 20
    assert stays[edge].all()
    assert not stays[far].any()


def test_no_sheet_lies_before_the_steep_side_of_a_neck(begun, pipeline, portrait):
    """Beside a collar one would be a streak across the neck once it turns."""
    view = View(portrait, pipeline.head)
    grid = pipeline.model.config.grid
    opacity = begun.personal.identity.opacity.reshape(2, grid, grid)[0].numpy()
    bare = erode(view.shows("neck"), 2) & ~view.parts.worn & (view.matte > 0.95)
    steep = bare & (view.facing_image() < 0.4)
    beside = steep & ~erode(~view.parts.worn, 4)
    assert beside.sum() > 10
    assert np.median(opacity[beside[1::2, 1::2]]) < -2
