"""Where personalisation starts: fills, polygons, the hull, samples, and the residuals' shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from backend.lifting.colours import look_up, sample
from backend.lifting.fill import extend_colours, nearest_fill, smooth_fill
from backend.lifting.planes import hull_profile
from backend.lifting.polygons import dilate, erode, polygons
from backend.lifting.start import Start, start
from backend.lifting.view import vertex_mobility
from shared.flame import ARKIT_NAMES


@pytest.fixture(scope="module")
def begin(pipeline, portrait) -> Start:
    return start(portrait, pipeline.head, pipeline.model)


def test_nearest_fill_equals_brute_force():
    rng = np.random.default_rng(0)
    values, known = rng.random((12, 15, 3)), rng.random((12, 15)) < 0.2
    filled = nearest_fill(values, known)
    np.testing.assert_array_equal(filled[known], values[known])
    places = np.argwhere(known)
    for row, column in np.argwhere(~known):
        gaps = np.linalg.norm(places - [row, column], axis=1)
        nearest = places[gaps == gaps.min()]
        assert any((filled[row, column] == values[tuple(p)]).all() for p in nearest)


def test_smooth_fill_keeps_what_is_known_and_stays_within_its_range():
    rng = np.random.default_rng(0)
    values, known = rng.random((40, 40)), np.zeros((40, 40), bool)
    known[10:14, 8:30] = True
    filled = smooth_fill(values, known, 4.0)
    np.testing.assert_array_equal(filled[known], values[known])
    assert values[known].min() - 1e-6 <= filled.min() <= filled.max() <= values[known].max() + 1e-6


def test_colours_are_carried_over_the_mattes_soft_border():
    rgb = np.zeros((20, 20, 3))
    rgb[:, :8] = [0.8, 0.2, 0.1]
    matte = np.zeros((20, 20))
    matte[:, :8], matte[:, 8:10] = 1.0, 0.5
    np.testing.assert_array_equal(
        extend_colours(rgb, matte), np.broadcast_to([0.8, 0.2, 0.1], rgb.shape)
    )


def test_samples_are_bilinear_between_pixel_centres():
    rng = np.random.default_rng(0)
    image, pixels = rng.random((20, 30, 2)), rng.uniform(1, 19, (50, 2))
    rows_columns = (pixels - 0.5)[:, ::-1].T
    expected = np.stack(
        [map_coordinates(image[..., c], rows_columns, order=1) for c in range(2)], axis=-1
    )
    np.testing.assert_allclose(sample(image, pixels), expected, atol=1e-9)


def test_samples_beyond_the_picture_take_its_border():
    image = np.arange(12.0).reshape(3, 4, 1)
    found = sample(image, np.array([[-50.0, -50], [99, 99], [0.5, 2.5]]))
    np.testing.assert_allclose(found[:, 0], [0, 11, 8], atol=0.01)


def test_look_ups_take_the_pixel_and_say_so_outside():
    image = np.arange(12.0).reshape(3, 4)
    pixels = np.array([[0.1, 0.9], [3.9, 2.9], [4.0, 1.0], [1.0, -0.1], [np.float64(1e6), 0]])
    np.testing.assert_array_equal(look_up(image, pixels, -1.0), [0, 11, -1, -1, -1])


def test_growing_and_shrinking_a_disc():
    y, x = np.mgrid[-20:21, -20:21]
    disc = x**2 + y**2 <= 64
    assert abs(dilate(disc, 4).sum() / (np.pi * 12**2) - 1) < 0.05
    assert abs(erode(disc, 4).sum() / (np.pi * 4**2) - 1) < 0.2
    assert not dilate(np.zeros((9, 9), bool), 3).any()


def test_polygons_lie_on_lips_and_eyes(portrait):
    shapes = polygons(portrait.landmarks, 512)
    assert shapes.mouth.any(), "she smiles with parted lips"
    assert not (shapes.mouth & ~shapes.lips).any()
    assert not (shapes.lips & shapes.eyes).any()
    left, right = (np.argwhere(s).mean(0) for s in (shapes.left_eye, shapes.right_eye))
    assert left[1] > right[1] + 50, "the subject's left is on the picture's right"
    assert not ((shapes.lips | shapes.eyes) & ~shapes.frozen).any()


def test_closed_lips_have_nothing_between_them(portrait):
    closed = portrait.landmarks.copy()
    closed[14, 1] = closed[13, 1] + 1
    assert not polygons(closed, 512).mouth.any()


def test_polygons_partly_outside_the_picture_do_no_harm(portrait):
    moved = polygons(portrait.landmarks + [-250, 0], 512)
    assert moved.frozen.shape == (512, 512)
    assert not polygons(portrait.landmarks + [3000, 3000], 512).frozen.any()


def test_the_hull_is_thin_at_the_border_and_thick_inside():
    y, x = np.mgrid[-200:201, -200:201]
    profile = hull_profile((x**2 + y**2 <= 150**2).astype(np.float32))
    assert profile.min() == 0
    assert profile.max() == 1
    middle = profile[200, 200:352]
    assert (np.diff(middle) <= 1e-9).all()
    assert profile[200, 200] == 1


def test_what_expressions_move_most_is_mobile(open_head):
    mobility = vertex_mobility(open_head)
    assert mobility.min() == 0
    assert mobility.max() == 1
    reach = open_head.exprdirs[..., ARKIT_NAMES.index("jawOpen")].norm(dim=1).numpy()
    assert mobility[reach > 0.002].min() == 1
    assert mobility[open_head.regions["lips"].numpy()].min() == 1
    assert mobility[open_head.regions["scalp"].numpy()].mean() < 0.2


def test_the_start_has_a_residual_for_every_gaussian(begin, pipeline, open_head):
    vertices = len(open_head.v_template)
    for index, layer in enumerate(begin.personal.layers):
        for name, tensor in layer.tensors():
            assert len(tensor) == vertices * 2**index, name
            assert tensor.dtype == torch.float32, name
            assert bool(torch.isfinite(tensor).all()), name
        assert len(begin.personal.frozen[index]) == vertices * 2**index
    grid = pipeline.model.config.grid
    assert len(begin.personal.identity_mask) == 2 * grid * grid
    for name, tensor in begin.personal.identity.tensors():
        assert tensor.shape[:2] == (2, grid * grid), name
        assert bool(torch.isfinite(tensor).all()), name


def test_planes_exist_only_where_the_matte_is(begin, pipeline, portrait):
    grid = pipeline.model.config.grid
    cells = begin.personal.identity_mask.view(2, grid, grid)
    assert torch.equal(cells[0], cells[1])
    centres = portrait.matte[1::2, 1::2] > 0.5  # two pixels a cell, the middle in the second
    np.testing.assert_array_equal(cells[0].numpy(), centres)


def test_the_target_is_the_matted_portrait_and_the_fitted_head(begin, portrait, open_head):
    np.testing.assert_array_equal(begin.target.image.numpy(), portrait.matted)
    np.testing.assert_array_equal(begin.target.alpha.numpy(), portrait.matte)
    expected = open_head.vertices_of(portrait.fit.track)
    torch.testing.assert_close(begin.target.vertices, expected)
    frames = begin.target.frames[0]
    products = frames.mT @ frames
    torch.testing.assert_close(products, torch.eye(3).expand_as(products), atol=1e-4, rtol=0)
