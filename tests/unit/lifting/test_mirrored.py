"""A turned head's hidden side is the mirror image of the one that shows."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.lifting.colours import SiteColours
from backend.lifting.mirrored import less_at_outline, mirrored_side, symmetric
from backend.lifting.planes import PlaneTargets, plane_targets
from backend.lifting.polygons import dilate
from backend.lifting.sites import facing_camera, regions_at, sites_of
from backend.lifting.view import View

_GRID = 256


def turned(portrait, pipeline, yaw_deg: float) -> View:
    """A head with hair around it; what is left of its middle is red, the right green."""
    fit = portrait.fit
    about = np.eye(4)
    about[:3, :3] = Rotation.from_euler("y", yaw_deg, degrees=True).as_matrix()
    straight = np.diag([1.0, -1.0, -1.0, 1.0])
    straight[2, 3] = fit.camera.viewmat[2, 3]
    camera = replace(fit.camera, viewmat=straight @ about)
    bare = View(replace(portrait, fit=replace(fit, camera=camera)), pipeline.head)
    hit = bare.visible.face >= 0
    corners = bare.rest[0].numpy()[bare.faces[bare.visible.face]]  # [H, W, 3, 3]
    aside = (corners[..., 0] * bare.visible.barycentric).sum(-1)
    rgb = np.where(aside[..., None] > 0, (0.8, 0.1, 0.1), (0.1, 0.8, 0.1)).astype(np.float32)
    hair = dilate(hit, 12)
    nearest = cv2.dilate(rgb * hit[..., None], np.ones((25, 25)))
    rgb = np.where(hit[..., None], rgb, nearest)
    image = replace(portrait, rgb=rgb, matte=hair.astype(np.float32), fit=bare.portrait.fit)
    return View(image, pipeline.head)


def planes_of(view: View) -> PlaneTargets:
    return plane_targets(
        view.rgb, view.matte, view.parts.worn, view.visible, view.far_side(), view.mobility_image(),
        float(view.camera.viewmat[2, 3]), np.zeros_like(view.matte),
    )  # fmt: skip


def cells_of(view: View) -> tuple[np.ndarray, float]:
    step = view.camera.width / _GRID
    at = (np.arange(_GRID) + 0.5) * step
    return np.stack([g.ravel() for g in np.meshgrid(at, at)], -1), step


def everywhere(view: View) -> np.ndarray:
    return np.ones_like(view.matte, bool)


@pytest.fixture(scope="module", params=[20.0, -20.0])
def aside(request, portrait, pipeline) -> View:
    return turned(portrait, pipeline, request.param)


def test_what_is_hidden_takes_the_other_sides_place_and_colour(aside) -> None:
    cloud, _ = mirrored_side(aside, planes_of(aside), everywhere(aside), *cells_of(aside))
    places = cloud.means.numpy().astype(np.float64)
    assert len(places) > 300
    hidden = np.sign(aside.camera.viewmat[2, 0])  # the side that is farther from the camera
    assert (np.sign(places[:, 0]) == hidden).mean() > 0.95
    shown_side = 1 if hidden > 0 else 0  # the other side's colour: green is where x is negative
    colours = cloud.features.numpy()
    assert (colours.argmax(1) == shown_side).mean() > 0.9
    depth = places @ aside.camera.viewmat[2, :3] + aside.camera.viewmat[2, 3]
    columns, rows = np.floor(aside.camera.project(places)).astype(int).T
    assert (aside.matte[rows, columns] > 0.5).all()
    hit = aside.visible.face[rows, columns] >= 0
    mesh, sheet = aside.visible.depth, aside.camera.viewmat[2, 3] - planes_of(aside).front_m
    behind = depth - np.minimum(mesh, sheet)[rows, columns]  # the nearer one is what is shown
    assert (behind[hit] > 0.005).all()
    behind = (depth - mesh[rows, columns])[hit]
    assert behind.min() > 0.003
    assert (behind > 0.005).mean() > 0.998  # hair may lie before the mesh


def test_a_head_from_the_front_hides_hardly_anything(aside, portrait, pipeline) -> None:
    front = turned(portrait, pipeline, 0.0)
    few, _ = mirrored_side(front, planes_of(front), everywhere(front), *cells_of(front))
    many, _ = mirrored_side(aside, planes_of(aside), everywhere(aside), *cells_of(aside))
    assert len(few) < 0.3 * len(many)


def test_clothes_have_no_mirror_image(aside) -> None:
    planes, cells = planes_of(aside), cells_of(aside)
    height = np.arange(len(aside.matte))[:, None]
    cloth = np.broadcast_to(height > np.nonzero(aside.matte.any(1))[0].mean(), aside.matte.shape)
    whole, _ = mirrored_side(aside, planes, everywhere(aside), *cells)
    above, _ = mirrored_side(aside, planes, ~cloth, *cells)
    flat = replace(planes, front_m=np.where(cloth, -1.0, planes.front_m).astype(np.float32))
    own = symmetric(aside, planes, ~cloth).front_m
    np.testing.assert_array_equal(own[cloth], planes.front_m[cloth])
    assert (symmetric(aside, flat, everywhere(aside)).front_m > flat.front_m)[cloth].any()
    assert 0 < len(above) < len(whole)


def test_no_back_is_drawn_where_a_side_is_known(aside) -> None:
    cloud, behind = mirrored_side(aside, planes_of(aside), everywhere(aside), *cells_of(aside))
    columns, rows = np.floor(aside.camera.project(cloud.means.numpy())).astype(int).T
    near = dilate(aside.visible.face >= 0, 9)[rows, columns]
    assert behind[rows, columns][near].mean() > 0.98
    assert behind[aside.matte > 0.5].mean() < 0.5


def test_hair_is_as_thick_as_on_the_other_side(portrait, pipeline) -> None:
    view = turned(portrait, pipeline, 0.0)
    targets = planes_of(view)
    even = symmetric(view, targets, everywhere(view))
    front = targets.front_m.copy()
    middle = int(view.camera.project(np.zeros((1, 3)))[0, 0])
    beside = (view.visible.face < 0) & (view.matte > 0.5)
    beside[int(view.camera.project(np.array([[0, 0.02, 0]]))[0, 1]) :] = False
    beside[:, middle:] = False
    assert beside.sum() > 500
    front[beside] -= 0.01  # thinner on the left
    mended = symmetric(view, replace(targets, front_m=front), everywhere(view))
    assert (mended.front_m >= front - 1e-6).all()
    before, after = (np.abs(m - even.front_m)[beside].mean() for m in (front, mended.front_m))
    assert after < 0.5 * before


def test_an_outline_is_trusted_less_where_the_other_side_faces_the_camera(aside, pipeline) -> None:
    sites, _ = sites_of(aside, pipeline.model)
    at, nowhere = regions_at(aside, sites.vertices), np.zeros(aside.matte.shape, bool)
    own = SiteColours(aside, nowhere).shown(sites)
    less = less_at_outline(own, aside, sites, at)
    assert (less.trust <= own.trust + 1e-9).all()
    facing = facing_camera(sites, aside.camera)
    far = np.sign(sites.rest[:, 0]) == np.sign(aside.camera.viewmat[2, 0])
    cheek = at["face"] & ~at["lids"] & ~at["lips"] & (own.trust > 0.9)
    edge = cheek & far & (facing < 0.4) & (np.abs(sites.rest[:, 0]) > 0.04)
    assert edge.sum() > 30
    assert np.median(less.trust[edge]) < 0.5
    plain = cheek & (facing > 0.75)
    np.testing.assert_allclose(less.trust[plain], own.trust[plain], atol=1e-6)
    np.testing.assert_array_equal(less.trust[at["in_mouth"]], own.trust[at["in_mouth"]])
