"""Frames of a photograph's avatar: the head lies in the picture where the frame's camera says."""

from __future__ import annotations

import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.avatar.create import CreateOptions
from backend.avatar.pipeline import Pipeline
from backend.avatar.weights import UNTRAINED
from backend.data.frame import Frame
from backend.losses.pixels import psnr
from backend.round_trips.views import seen_from_aside, views_of
from shared.progress import silent

SIZE = 512  # faces are found in it


@pytest.fixture(scope="module")
def drawer():
    pipeline = Pipeline(device="cpu", weights=UNTRAINED)
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="module")
def frames(drawer) -> list[Frame]:
    return views_of(drawer, SAMPLE_PORTRAIT.read_bytes(), np.random.default_rng(3), 2, SIZE)


def test_the_first_frame_is_the_photograph_with_its_fit(drawer, frames) -> None:
    portrait = drawer.portrait(SAMPLE_PORTRAIT.read_bytes(), CreateOptions(), silent)
    assert psnr(frames[0].image / 255, portrait.matted) > 50
    np.testing.assert_allclose(frames[0].camera.viewmat, portrait.fit.camera.viewmat)
    np.testing.assert_array_equal(frames[0].track.expression, portrait.fit.track.expression)


@pytest.mark.parametrize("number", [1, 2])
def test_a_detector_finds_the_head_where_the_camera_says(drawer, frames, number) -> None:
    frame, head = frames[number], drawer.tracker.head
    points = head.embed_landmarks(head.vertices_of(frame.track)[0]).double().numpy()
    (face,) = drawer.tracker.detector.detect(frame.image)
    away = np.linalg.norm(frame.camera.project(points) - face.landmarks[:, :2], axis=1)
    assert np.median(away) < 5, "pixels of 512"
    turned = frame.camera.viewmat[:3, :3] @ frames[0].camera.viewmat[:3, :3].T
    assert np.degrees(np.arccos((np.trace(turned) - 1) / 2)) > 3
    assert all(frame.box[:2] < 0.4)
    assert all(frame.box[2:] > 0.6)


def test_the_photographs_own_pose_is_seen_by_its_own_camera(drawer) -> None:
    portrait = drawer.portrait(SAMPLE_PORTRAIT.read_bytes(), CreateOptions(), silent)
    avatar = drawer.create_from(portrait, CreateOptions(iterations=0), silent)
    track, camera = seen_from_aside(avatar, avatar.source, drawer.tracker.head)
    np.testing.assert_allclose(camera.viewmat, portrait.fit.camera.viewmat, atol=1e-5)
    for name in ("global_orient", "neck_pose", "transl"):
        assert not getattr(track, name).any()


def test_the_same_chance_gives_the_same_frames(drawer, frames) -> None:
    again = views_of(drawer, SAMPLE_PORTRAIT.read_bytes(), np.random.default_rng(3), 1, SIZE)
    for frame, same in zip(frames, again, strict=False):
        np.testing.assert_array_equal(frame.image, same.image)
