"""A head ends where the person does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.head.zbuffer import rasterise_mesh
from backend.tracking.fit import Fit
from backend.tracking.outline import Outlined, inside_mattes


@pytest.fixture(scope="module")
def fit(portrait) -> Fit:
    return portrait.fit


def silhouette(fit: Fit, head) -> np.ndarray:
    """[512, 512] bool: the mesh."""
    vertices = head.vertices_of(fit.track)[0].numpy()
    return rasterise_mesh(vertices, head.faces.numpy(), fit.camera).face >= 0


def test_a_head_within_the_matte_stays(fit, portrait, pipeline) -> None:
    roomy = cv2.dilate(silhouette(fit, pipeline.head).astype(np.uint8), np.ones((9, 9)))
    (found,) = inside_mattes(
        [Outlined(fit, roomy.astype(np.float32), portrait.landmarks)], pipeline.head
    )
    np.testing.assert_array_equal(found.track.betas, fit.track.betas)


def test_a_wide_head_is_drawn_in_and_its_landmarks_stay(fit, portrait, pipeline) -> None:
    head = pipeline.head
    mesh = silhouette(fit, head)
    tight = cv2.erode(mesh.astype(np.uint8), np.ones((9, 9))).astype(np.float32)
    tight[400:] = 1  # the neck has no say
    (found,) = inside_mattes([Outlined(fit, tight, portrait.landmarks)], head)
    beside = mesh & (tight < 0.5)
    left = silhouette(found, head) & (tight < 0.5)
    assert left.sum() < 0.5 * beside.sum()

    def landmarks(of: Fit) -> np.ndarray:
        vertices = head.vertices_of(of.track)[0].double()
        return of.camera.project(head.embed_landmarks(vertices).numpy())

    moved = np.linalg.norm(landmarks(found) - landmarks(fit), axis=1)
    assert np.median(moved) < 1.0
    assert found.camera is fit.camera


def test_what_hides_most_of_a_head_says_nothing_of_its_size(fit, portrait, pipeline) -> None:
    blinds = np.ones((512, 512), np.float32)
    rows = np.flatnonzero(silhouette(fit, pipeline.head).any(1))
    blinds[: rows[0] + 80] = 0
    (found,) = inside_mattes([Outlined(fit, blinds, portrait.landmarks)], pipeline.head)
    assert np.abs(np.asarray(found.track.betas) - np.asarray(fit.track.betas)).max() < 4
