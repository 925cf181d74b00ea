"""A smile tells how high a person's teeth are; nothing else is changed by it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.head.zbuffer import rasterise_mesh
from backend.tracking.fit import Fit
from backend.tracking.landmarks import INNER_LIPS
from backend.tracking.teeth import Smile, with_teeth
from shared.camera import Camera
from shared.flame import Track

SIZE, FOCAL_PX, DEPTH_M = 512, 3000, 1.9
SKIN, TEETH, DARK = (200, 160, 140), (225, 210, 200), (40, 20, 20)
WEIGHTS = {
    "mouthUpperUpLeft": 0.8, "mouthUpperUpRight": 0.8, "mouthLowerDownLeft": 0.8,
    "mouthLowerDownRight": 0.8, "jawOpen": 0.2,
}  # fmt: skip
COMPONENT = 80


def seen(head, height: float | None) -> Smile:
    """A grin whose teeth are 0 high in the fit and painted `height` standard deviations higher;
    None paints the mouth dark."""
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[1, 3], viewmat[2, 3] = -0.03, DEPTH_M
    intrinsics = np.array([[FOCAL_PX, 0, SIZE / 2], [0, FOCAL_PX, SIZE / 2], [0, 0, 1.0]])
    camera = Camera(viewmat, intrinsics, SIZE, SIZE)
    betas = np.zeros(300)
    track = replace(head.translated(Track.from_arkit(WEIGHTS)), betas=betas)
    landmarks = camera.project(head.embed_landmarks(head.vertices_of(track)[0].double()).numpy())
    rgb = np.full((SIZE, SIZE, 3), SKIN, np.uint8)
    mouth = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(mouth, [np.round(landmarks[list(INNER_LIPS)]).astype(np.int32)], 1)
    rgb[mouth > 0] = DARK
    if height is not None:
        betas = betas.copy()
        betas[COMPONENT] = height
        vertices = head.vertices_of(replace(track, betas=betas))[0].numpy()
        faces = head.faces.numpy()
        upper = faces[head.regions["teeth_upper"].numpy()[faces].all(1)]
        hit = rasterise_mesh(vertices, upper, camera).face >= 0
        rgb[(mouth > 0) & hit] = TEETH
    fit = Fit(track=track, camera=camera, error_px=0.0)
    return Smile(fit, rgb, landmarks)


def betas_of(fit: Fit) -> np.ndarray:
    """Its identity."""
    assert fit.track.betas is not None
    return fit.track.betas


@pytest.mark.parametrize("height", [-1.5, -0.7, 0.0, 0.9, 1.5])
def test_teeth_come_to_be_as_high_as_the_photo_shows_them(open_head, height: float) -> None:
    (fit,) = with_teeth([seen(open_head, height)], open_head)
    assert betas_of(fit)[COMPONENT] == pytest.approx(height, abs=0.4)
    assert not betas_of(fit)[:COMPONENT].any()


def test_a_mouth_without_teeth_says_nothing(open_head) -> None:
    smile = seen(open_head, None)
    assert with_teeth([smile], open_head) == [smile.fit]


def test_of_several_photos_the_first_that_shows_teeth_tells(open_head) -> None:
    smiles = [seen(open_head, None), seen(open_head, 1), seen(open_head, -1)]
    heights = [betas_of(fit)[COMPONENT] for fit in with_teeth(smiles, open_head)]
    assert heights == [heights[0]] * 3
    assert heights[0] == pytest.approx(1, abs=0.4)


def test_the_component_moves_teeth_and_nothing_else(open_head) -> None:
    betas = np.zeros(300, np.float32)
    betas[COMPONENT] = 1
    moved = open_head.shapedirs[..., COMPONENT].norm(dim=1) > 0
    teeth = open_head.regions["teeth_upper"] | open_head.regions["teeth_lower"]
    assert bool((moved == teeth).all())
    np.testing.assert_allclose(open_head.joints_of(betas), open_head.joints_of(None), atol=1e-6)
