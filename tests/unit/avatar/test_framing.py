"""Cameras of reenactment: the head stays where the driver's is, the shoulders come along."""

import numpy as np
import pytest

from backend.avatar import framing
from shared.camera import Camera, portrait_intrinsics
from shared.flame import Track
from tests.fakes.fake_pipeline import FakeAvatar

AVATAR = FakeAvatar(b"")
CORNERS = np.array([[0, 0, 0], [0.05, 0, 0], [0, 0.05, 0], [0, 0, 0.05]])


def walk(length: int = 100, reach_m: float = 0.5) -> Track:
    """Someone who nods by 1 cm at 3 Hz while walking through the picture."""
    time_s = np.arange(length) / 25
    transl = np.zeros((length, 3), np.float32)
    transl[:, 0] = np.linspace(0, reach_m, length)
    transl[:, 1] = 0.01 * np.sin(2 * np.pi * 3 * time_s)
    return Track.neutral(length, transl=transl)


def jumps() -> Track:
    transl = [[0, 0, 0], [0.2, 0, 0], [-0.3, 0.1, 0.2]]
    return Track.neutral(3, transl=np.array(transl, np.float32))


def driving_cameras(length: int) -> list[Camera]:
    intrinsics = portrait_intrinsics(512) * [[0.3], [0.3], [1]]
    return [Camera(AVATAR.camera.viewmat, intrinsics, 160, 90)] * length


@pytest.mark.parametrize("track", [walk(), jumps(), walk(1)], ids=["walk", "jumps", "one"])
def test_the_parts_add_up_and_the_head_stays_on_its_neck(track: Track) -> None:
    own, body = framing.split_body(track)
    np.testing.assert_allclose(own.transl + body, track.transl, atol=1e-6)
    assert np.linalg.norm(own.transl, axis=1).max() <= framing.HEAD_REACH_M + 1e-6


def test_a_nod_is_the_head_s_and_a_walk_is_the_body_s() -> None:
    track = walk()
    own, body = framing.split_body(track)
    middle = slice(20, 80)
    np.testing.assert_allclose(body[middle, 0], track.transl[middle, 0], atol=0.005)
    np.testing.assert_allclose(own.transl[middle, 1], track.transl[middle, 1], atol=0.005)


@pytest.mark.parametrize("track", [walk(), jumps()], ids=["walk", "jumps"])
def test_keeping_the_framing_shows_the_head_where_the_driver_s_is(track: Track) -> None:
    cameras = driving_cameras(len(track))
    own, body = framing.split_body(track)
    for index, view in enumerate(framing.keep_framing(cameras, body)):
        expected = cameras[index].project(CORNERS + track.transl[index])
        np.testing.assert_allclose(view.project(CORNERS + own.transl[index]), expected, atol=1e-4)
        assert (view.width, view.height) == (160, 90)


def test_the_portrait_framing_has_the_portrait_s_size_and_place() -> None:
    for view in framing.portrait_framing(AVATAR, driving_cameras(2)):
        expected = AVATAR.camera.project(CORNERS)
        np.testing.assert_allclose(view.project(CORNERS), expected, atol=1e-6)
        assert (view.width, view.height) == (512, 512)
