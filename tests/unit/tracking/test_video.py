"""Clips with known motion: what is tracked follows it, and gaps are bridged and named."""

from __future__ import annotations

import dataclasses
import functools

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.head.painting import Model, paint, portrait_camera
from backend.tracking.faces import choose
from backend.tracking.video import track_video
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, Track
from shared.progress import silent

JAW_OPEN = ARKIT_NAMES.index("jawOpen")


@pytest.fixture(scope="module")
def still(astronaut: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(astronaut, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def moved(picture: np.ndarray, x=0.0, y=0.0, angle_deg=0.0, scale=1.0) -> np.ndarray:
    """A similarity about the face."""
    matrix = cv2.getRotationMatrix2D((224.0, 110.0), angle_deg, scale)
    matrix[:, 2] += x, y
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def face_of(tracked, head, number: int) -> np.ndarray:
    """[468, 2] where the track says the landmarks are, in the frame's pixels."""
    track = tracked.track.frame(number)
    vertices = head.vertices_of(track)[0]
    pose = head.head_pose_of(track).double().numpy()
    points = head.embed_landmarks(vertices).double().numpy()[:468]
    return tracked.cameras[number].project(points @ pose[:3, :3].T + pose[:3, 3])


@pytest.fixture(scope="module")
def walk(tracker, still):
    """Shifts, a roll and an approach, one after the other, not smoothed."""
    steps = [{}, {"x": 30}, {"y": 20}, {"angle_deg": 15}, {"scale": 1.2}]
    frames = [moved(still, **step) for step in steps]
    return track_video(tracker, frames, 25, silent, smooth=False)


def test_shifts_in_the_picture_are_shifts_of_the_head(walk, open_head):
    first = face_of(walk, open_head, 0)
    for number, shift in ((1, [30, 0]), (2, [0, 20])):
        gap = face_of(walk, open_head, number) - first
        np.testing.assert_allclose(gap.mean(0), shift, atol=1.0)
    assert walk.track.transl[1, 0] - walk.track.transl[0, 0] > 0.02, "metres to the left"


def test_a_roll_in_the_picture_is_a_roll_of_the_head(walk):
    a, b = (Rotation.from_rotvec(walk.track.global_orient[i]) for i in (0, 3))
    assert np.degrees((b * a.inv()).as_rotvec()[2]) == pytest.approx(15, abs=1.5)


def test_coming_nearer_is_a_shift_towards_the_camera(walk):
    depth = [camera.viewmat[2, 3] for camera in walk.cameras]
    nearer = walk.track.transl[4, 2] - walk.track.transl[0, 2]
    assert nearer == pytest.approx(depth[0] * (1 - 1 / 1.2), rel=0.15)


def test_one_still_camera_and_one_identity(walk):
    assert walk.missing == []
    assert len(walk.cameras) == len(walk.track) == 5
    for camera in walk.cameras:
        np.testing.assert_array_equal(camera.viewmat, walk.cameras[0].viewmat)
        assert (camera.width, camera.height) == (512, 512)
    assert walk.track.betas.shape == (300,)


def test_tracked_landmarks_lie_on_the_detected_ones(walk, open_head, tracker, still):
    detected = choose(tracker.detector, still[..., ::-1].copy()).landmarks[:468, :2]
    miss = np.linalg.norm(face_of(walk, open_head, 0) - detected, axis=1)
    assert miss.mean() < 2.5, "pixels, of a face of 100"


@pytest.fixture(scope="module")
def driven(pipeline, avatar):
    """The avatar turning and opening its mouth, filmed."""
    yaws, jaws = [0.0, 12.0, -12.0, 0.0], [0.0, 0.0, 0.0, 0.6]
    frames = []
    for yaw, jaw in zip(yaws, jaws, strict=True):
        frame = dataclasses.replace(
            Track.from_arkit({"jawOpen": jaw}), global_orient=np.array([[0, np.radians(yaw), 0]])
        )
        shown = pipeline.render(pipeline.drive(avatar, frame), avatar.camera)
        rgb = shown.rgb + (1 - shown.alpha[..., None]) * 0.6
        frames.append((rgb[..., ::-1].clip(0, 1) * 255).astype(np.uint8).copy())
    return track_video(pipeline.tracker, frames, 25, silent, smooth=False)


def test_the_yaw_of_a_driven_avatar_is_tracked(driven):
    poses = Rotation.from_rotvec(driven.track.global_orient)
    turns = poses.as_euler("yxz", degrees=True)[:, 0]
    assert turns[1] - turns[0] == pytest.approx(12, abs=4)
    assert turns[2] - turns[0] == pytest.approx(-12, abs=4)


def test_the_jaw_of_a_driven_avatar_is_tracked(driven):
    opened = driven.track.expression[:, JAW_OPEN]
    assert opened[3] > opened[:3].max() + 0.25


def test_frames_without_a_face_are_bridged_and_named(tracker, still):
    empty = np.full_like(still, 120)
    frames = [empty, still, empty, moved(still, x=20), empty]
    tracked = track_video(tracker, frames, 30, silent, smooth=False)
    assert tracked.missing == [0, 2, 4]
    x = tracked.track.transl[:, 0]
    assert x[0] == x[1]
    assert x[2] == pytest.approx((x[1] + x[3]) / 2, abs=1e-5)
    assert x[4] == x[3]
    assert tracked.track.fps == 30


def test_a_still_head_gives_a_still_track(tracker, still):
    track = track_video(tracker, [still] * 4, 25, silent, smooth=False).track
    np.testing.assert_allclose(track.transl[2:], track.transl[1:3], atol=1e-6)
    np.testing.assert_allclose(track.expression[2:], track.expression[1:3], atol=1e-5)
    assert np.abs(track.transl[1] - track.transl[0]).max() < 0.003


def test_shoulders_below_a_head_that_leans_from_the_first_are_where_they_are(tracker, still):
    """A head's origin comes to lie elsewhere as it leans; the body has not moved."""
    leaning = moved(still, angle_deg=15)
    tracked = track_video(tracker, [leaning] * 3, 25, silent, smooth=False)
    origin = tracker.fitter.root(tracked.track.betas)
    rotation = Rotation.from_rotvec(tracked.track.global_orient[0]).as_matrix()
    assert np.linalg.norm(origin - rotation @ origin) > 0.01, "metres"
    np.testing.assert_allclose(tracked.body, 0, atol=0.004)
    np.testing.assert_allclose(tracked.on_still_shoulders().transl, 0, atol=0.004)


def test_a_camera_s_noise_does_not_move_the_head(tracker, still):
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 4, (8, *still.shape))
    frames = list(np.clip(still + noise, 0, 255).astype(np.uint8))
    rough = track_video(tracker, frames, 25, silent, smooth=False)
    quiet = track_video(tracker, frames, 25, silent)
    moves = [np.ptp(tracked.track.transl, axis=0).max() for tracked in (rough, quiet)]
    assert moves[1] < 0.6 * moves[0]
    shown = [quiet.cameras[0].project(transl) for transl in quiet.track.transl]
    assert np.ptp(shown, axis=0).max() < 0.3, "pixels"


def test_pictures_of_changing_size_have_cameras_of_their_own_size(tracker, still, open_head):
    large = cv2.resize(still, (768, 768), interpolation=cv2.INTER_CUBIC)
    empty = np.full((300, 400, 3), 90, np.uint8)
    tracked = track_video(tracker, [empty, still, large], 25, silent, smooth=False)
    sizes = [(camera.width, camera.height) for camera in tracked.cameras]
    assert sizes == [(400, 300), (512, 512), (768, 768)]
    ratio = np.ptp(face_of(tracked, open_head, 2)[:, 0]) / np.ptp(
        face_of(tracked, open_head, 1)[:, 0]
    )
    assert ratio == pytest.approx(1.5, abs=0.05)


def test_a_single_frame_is_a_clip_too(tracker, still):
    tracked = track_video(tracker, [still], 25, silent)
    assert len(tracked.track) == 1


def test_no_frames_are_refused(tracker):
    with pytest.raises(AvatarError) as caught:
        track_video(tracker, [], 25, silent)
    assert caught.value.code == "bad_file"


def test_frames_without_any_face_are_refused_with_their_number(tracker):
    with pytest.raises(AvatarError) as caught:
        track_video(tracker, [np.zeros((200, 200, 3), np.uint8)] * 3, 25, silent)
    assert caught.value.code == "no_face_found"
    assert "any of the 3 frames" in caught.value.message


def test_tracking_reports_every_frame_and_can_be_cancelled(tracker, still):
    seen = []

    def progress(phase: str, done: float, total: float) -> None:
        seen.append((phase, done))
        if done == 2:
            raise AvatarError("cancelled", "Cancelled.", "")

    with pytest.raises(AvatarError) as caught:
        track_video(tracker, [still] * 5, 25, progress)
    assert caught.value.code == "cancelled"
    assert seen == [("track", 1), ("track", 2)]


def painted_turn(head, yaws: list[float]) -> list[np.ndarray]:
    """The painted head, which turns about its middle and stays where it is."""
    return [painted(head, yaw).copy() for yaw in yaws]


@functools.cache
def painted(head, yaw: float) -> np.ndarray:
    regions = {name: mask.numpy() for name, mask in head.regions.items()}
    template = head.v_template.double().numpy()
    model = Model(template, head.faces.numpy(), regions, head.joints_of(None)[3:])
    vertices = head.vertices_of(Track.neutral(1))[0].double().numpy()
    camera = portrait_camera(512, np.radians(yaw), fill=0.33)
    return paint(model, vertices, camera)[0][..., ::-1]


def test_a_head_that_turns_stays_where_it_is(tracker, open_head):
    yaws = [0.0, 40.0, 60.0, 0.0, -40.0, -60.0, 0.0]
    tracked = track_video(tracker, painted_turn(open_head, yaws), 25, silent, smooth=False)
    middles = []
    for number, yaw in enumerate(yaws):
        pose = open_head.head_pose_of(tracked.track.frame(number)).double().numpy()
        turn = np.degrees(np.arctan2(pose[0, 2], pose[2, 2]))
        assert -turn == pytest.approx(yaw, abs=5.5)  # there the camera turned, not the head
        middles.append(pose[:3, :3] @ [0, 0, 0.02] + pose[:3, 3])
    away = np.array(middles)[:, 2] - middles[0][2]
    assert np.abs(away).max() < 0.03, away


def test_a_change_of_person_is_told(tracker, still, open_head):
    other = painted_turn(open_head, [0.0, 5.0, 10.0])
    frames = [still, moved(still, x=3), moved(still, x=5, angle_deg=4), *other, still, still]
    tracked = track_video(tracker, frames, 1, silent)  # a second's patience: one frame
    assert tracked.hidden == tracked.missing == [3, 6]
    assert tracked.others == [4, 7]
    first, second, hidden = tracked.notes
    assert "From frame 4 on (4.0 s) another person" in first
    assert "From frame 7 on (7.0 s) another person" in second
    assert "somebody else's face, but not the first person's: 2, from frame 3 on" in hidden


def test_somebody_else_for_less_than_a_second_is_left_out(tracker, still, open_head):
    other = painted_turn(open_head, [0.0, 5.0, 10.0])
    tracked = track_video(tracker, [still, still, *other, still], 25, silent)
    assert tracked.hidden == tracked.missing == [2, 3, 4]
    assert tracked.others == []
    assert np.ptp(tracked.track.transl[:, 2]) < 0.02, "metres: the other's head is elsewhere"


def test_a_cut_to_the_same_person_is_no_change_of_person(tracker, still):
    """From elsewhere, larger, and lit from one side."""
    lit = still * np.linspace(0.25, 1.3, still.shape[1])[:, None]
    elsewhere = moved(lit.clip(0, 255).astype(np.uint8), x=20, y=9, angle_deg=12, scale=1.2)
    tracked = track_video(tracker, [still, still, elsewhere, elsewhere], 25, silent)
    assert tracked.others == []
    assert tracked.notes == []


def test_after_a_title_card_of_somebody_else_the_main_persons_identity_is_their_own(
    tracker, still, open_head
):
    """Two frames of another face, then her: the motion is fitted with her own identity."""
    title = painted_turn(open_head, [0.0, 2.0])
    alone = track_video(tracker, [still] * 5, 1, silent)
    tracked = track_video(tracker, [*title, *[still] * 6], 1, silent)
    assert tracked.hidden == [2], "a second's patience: one frame"
    np.testing.assert_allclose(
        np.array(tracked.track.betas), np.array(alone.track.betas), atol=1e-6
    )
    for name in ("expression", "jaw_pose"):
        gap = getattr(tracked.track, name)[-1] - getattr(alone.track, name)[-1]
        assert np.abs(gap).max() < 0.02, name
