"""Necks and jaws become as wide as the skin that a photo shows, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.neck_width import below_ears, with_own_neck
from backend.lifting.parts import Parts
from backend.lifting.view import View

WIDER_M = 0.006


def _seen_as(portrait, head, skin: np.ndarray) -> View:
    """The fitted sample in a picture that shows this much skin [H, W], and nothing beside it."""
    view = View(replace(portrait, matte=skin.astype(np.float32)), head)
    view.parts = Parts(*[np.zeros(skin.shape, bool)] * 2)
    return view


@pytest.fixture(scope="module")
def wide(portrait, pipeline) -> View:
    """The sample with another identity: the likeliest one whose neck is that much wider."""
    head, view = pipeline.head, View(portrait, pipeline.head)
    directions = head.shapedirs.double().numpy()
    low = below_ears(view) & view.regions["neck"]
    side = np.sign(view.rest[0].numpy()[:, 0])
    out = (directions[:, 0] * side[:, None])[low]
    held = directions[view.regions["face"]].reshape(-1, directions.shape[-1])
    rows = np.concatenate([out, 3 * held, 1e-3 * np.eye(directions.shape[-1])])
    wanted = np.zeros(len(rows))
    wanted[: len(out)] = WIDER_M
    betas = np.asarray(view.betas, np.float64).copy()
    betas[: directions.shape[-1]] += np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return view.with_betas(betas)


def _unlike(view: View, skin: np.ndarray) -> float:
    """Part of the skin at the neck's height that the mesh does not show, or beside which it is."""
    at = View.shows_all(view, below_ears(view)).any(1)
    other = (view.visible.face >= 0) != skin
    return float(other[at].mean())


def test_another_persons_neck_is_found_by_its_outline_and_the_face_stays(portrait, pipeline, wide):
    skin = wide.visible.face >= 0
    usual = _seen_as(portrait, pipeline.head, skin)
    (own,) = with_own_neck([usual])
    assert _unlike(usual, skin) > 0.01
    assert _unlike(own, skin) < 0.5 * _unlike(usual, skin)
    faces = [
        view.camera.project(pipeline.head.embed_landmarks(view.vertices[0].double()).numpy())
        for view in (usual, own)
    ]
    inner = [1, 4, 33, 133, 263, 362, 61, 291, 13, 14]  # nose, corners of eyes and mouth, lips
    assert np.linalg.norm(faces[1] - faces[0], axis=1)[inner].max() < 1
    joints = [pipeline.head.joints_of(view.betas) for view in (usual, own)]
    assert np.linalg.norm(joints[1] - joints[0], axis=1).max() < 1e-3, "metres"
    assert own.parts is usual.parts, "the picture is parsed once"


def test_two_photos_get_one_identity(portrait, pipeline, wide):
    skin = wide.visible.face >= 0
    two = with_own_neck([_seen_as(portrait, pipeline.head, skin) for _ in range(2)])
    np.testing.assert_array_equal(two[0].betas, two[1].betas)
    assert np.abs(np.asarray(two[0].betas) - portrait.fit.track.betas).max() > 0.1


def test_a_neck_that_ends_where_its_mesh_does_stays_as_it_is(portrait, pipeline):
    view = View(portrait, pipeline.head)
    (same,) = with_own_neck([_seen_as(portrait, pipeline.head, view.visible.face >= 0)])
    low = below_ears(view)
    moved = np.linalg.norm(same.rest[0] - view.rest[0], axis=-1)
    assert moved[low].mean() < 1e-3, "metres"
    assert moved[~low].mean() < 5e-4


def test_shoulders_hair_and_collars_are_no_neck(portrait, pipeline):
    view = View(portrait, pipeline.head)
    everywhere = _seen_as(portrait, pipeline.head, np.ones_like(view.matte) > 0)
    assert with_own_neck([everywhere])[0] is everywhere, "skin without an end"
    worn = _seen_as(portrait, pipeline.head, np.ones_like(view.matte) > 0)
    worn.parts = Parts(np.zeros(view.matte.shape, bool), view.visible.face < 0)
    assert with_own_neck([worn])[0] is worn
