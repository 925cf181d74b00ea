"""Cameras of reenactment: the head stays where the driver's is, the shoulders come along."""

import numpy as np

from backend.avatar import framing
from shared.camera import Camera, portrait_intrinsics
from tests.fakes.fake_pipeline import FakeAvatar

AVATAR = FakeAvatar(b"")
CORNERS = np.array([[0, 0, 0], [0.05, 0, 0], [0, 0.05, 0], [0, 0, 0.05]])


def driving_cameras(length: int) -> list[Camera]:
    intrinsics = portrait_intrinsics(512) * [[0.3], [0.3], [1]]
    return [Camera(AVATAR.camera.viewmat, intrinsics, 160, 90)] * length


def test_keeping_the_framing_shows_the_head_where_the_driver_s_is() -> None:
    cameras = driving_cameras(3)
    head = np.array([[0, 0, 0], [0.2, 0, 0], [-0.3, 0.1, 0.2]])
    body = head * 0.9
    for index, view in enumerate(framing.keep_framing(cameras, body)):
        expected = cameras[index].project(CORNERS + head[index])
        own = head[index] - body[index]
        np.testing.assert_allclose(view.project(CORNERS + own), expected, atol=1e-4)
        assert (view.width, view.height) == (160, 90)


def test_the_portrait_framing_has_the_portrait_s_size_and_place() -> None:
    for view in framing.portrait_framing(AVATAR, driving_cameras(2)):
        expected = AVATAR.camera.project(CORNERS)
        np.testing.assert_allclose(view.project(CORNERS), expected, atol=1e-6)
        assert (view.width, view.height) == (512, 512)
