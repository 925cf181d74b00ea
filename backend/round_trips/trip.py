"""One round trip: a photograph turned and driven as an avatar, made an avatar again, driven back.

What comes back has an avatar's faults, and the photograph is what it should have been. The second
avatar is fitted by what is known of the picture that it was made of, so that head and photograph
lie over each other.

Source: face-findings.md, Round trips.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from backend.avatar.create import CreateOptions
from backend.avatar.detail import Drawn
from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.data.retouch_sample import KEPT_MARK, OWN_NUMBER, Sample, sample_of
from backend.data.synthetic.pose import draw_track
from backend.export.png import encoded
from backend.tracking.fit import Fit
from backend.tracking.portrait import Portrait
from shared.camera import Camera
from shared.flame import Track
from shared.progress import silent

from .expressions import STRENGTH, UNUSUAL

_TURN_DEG = np.array([6.0, 14.0, 3.0])  # spread of pitch, yaw, roll
_MOST_TURN_DEG = np.array([14.0, 28.0, 6.0])
_LEAST_YAW_DEG = 4.0  # less hides nothing
_CALM = 0.4  # of the first pictures: closed lips in two thirds of them
_SAME = 0.25  # of them: the photograph's own expression, only turned


def trips_of(
    pipeline: Pipeline,
    data: bytes,
    rng: np.random.Generator,
    count: int,
    kept: int,
    options: CreateOptions,
) -> dict[str, Sample]:
    """All samples of one photograph, by their numbers.

    Args:
        pipeline: The network and the tracker.
        data: The photograph's file.
        rng: Chance.
        count: Round trips.
        kept: Expressions that are to stay as they are drawn.
        options: How avatars are made.

    Raises:
        AvatarError: As `Tracker.portrait`, of the photograph or of a picture of it.
    """
    portrait = pipeline.portrait(data, options, silent)
    avatar = pipeline.create_from(portrait, options, silent)
    samples = {OWN_NUMBER: seen(pipeline, avatar, avatar, portrait)}
    for number, sample in enumerate(_kept_expressions(pipeline, avatar, rng, kept)):
        samples[f"{KEPT_MARK}{number}"] = sample
    for number in range(1, count + 1):
        track = another_pose(rng, avatar)
        picture = pipeline.picture(avatar, track, avatar.camera).rgba8()
        again = known_portrait(pipeline, avatar, track, picture)
        back = pipeline.create_from(again, options, silent)
        samples[str(number)] = seen(pipeline, back, avatar, portrait)
    return samples


def _kept_expressions(
    pipeline: Pipeline, avatar: Avatar, rng: np.random.Generator, count: int
) -> list[Sample]:
    """An avatar at its portrait's pose with `count` expressions that portraits do not show: open
    mouths, closed eyes, raised brows. Nobody knows better, so each is to stay as it was drawn.
    """
    samples = []
    for _ in range(count):
        units = {
            name: value * rng.uniform(*STRENGTH)
            for name, value in UNUSUAL[rng.integers(len(UNUSUAL))].items()
        }
        track = replace(avatar.source, expression=Track.from_arkit(units).expression)
        drawn = pipeline.drawn(avatar, track, avatar.camera)
        raster = drawn.raster
        samples.append(_sample(drawn, raster.features.numpy(), raster.alpha.numpy()))
    return samples


def seen(pipeline: Pipeline, shown: Avatar, avatar: Avatar, portrait: Portrait) -> Sample:
    """An avatar drawn over the portrait of another one, and that portrait."""
    drawn = pipeline.drawn(shown, *over(shown, avatar))
    return _sample(drawn, portrait.matted, portrait.matte)


def _sample(drawn: Drawn, matted: np.ndarray, matte: np.ndarray) -> Sample:
    raster = drawn.raster
    planes = [raster.features.numpy(), raster.alpha.numpy()[..., None], drawn.clues.numpy()]
    return sample_of(np.concatenate(planes, axis=-1), np.dstack([matted, matte]))


def over(shown: Avatar, avatar: Avatar) -> tuple[Track, Camera]:
    """The frame and the camera in which an avatar of a picture of another one lies over that one's
    portrait: the head in its pose, and the shoulders, which both pictures show in one place, too.

    Args:
        shown: Of a picture by the other one's camera.
        avatar: The other one.
    """
    facing, there = avatar.camera.viewmat[:3, :3], avatar.camera.viewmat[:3, 3]
    away = facing.T @ (there - shown.camera.viewmat[:3, 3])  # of one's head from the other's
    track = replace(avatar.source, transl=avatar.source.transl + away.astype(np.float32))
    return track, replace(avatar.camera, viewmat=shown.camera.viewmat)


def another_pose(rng: np.random.Generator, avatar: Avatar) -> Track:
    """Another pose and mostly another expression, of the same person."""
    turn = np.clip(rng.normal(size=3) * _TURN_DEG, -_MOST_TURN_DEG, _MOST_TURN_DEG)
    turn[1] = np.copysign(max(abs(turn[1]), _LEAST_YAW_DEG), turn[1])
    orient = Rotation.from_euler("XYZ", turn, degrees=True).as_rotvec()[None]
    kind = rng.random()
    if kind < _SAME:
        return replace(avatar.source, global_orient=orient, transl=np.zeros((1, 3)))
    assert avatar.source.betas is not None
    track = draw_track(rng, avatar.source.betas, portrait=kind < _SAME + _CALM)
    return replace(track, global_orient=orient)


def known_portrait(pipeline: Pipeline, avatar: Avatar, track: Track, rgba: np.ndarray) -> Portrait:
    """An avatar's picture, tracked, with the fit that it was drawn by.

    Args:
        pipeline: The tracker.
        avatar: Whose picture it is, by its own camera.
        track: Its pose.
        rgba: [512, 512, 4] uint8, RGB.
    """
    tracker = pipeline.tracker
    look = tracker.look(encoded(rgba), None, silent)
    head = tracker.head
    own = replace(track, betas=avatar.source.betas)
    pose = head.head_pose_of(own).cpu().numpy().astype(np.float64)
    viewmat = avatar.camera.viewmat @ pose
    still = np.zeros((1, 3), np.float32)
    camera = look.crop.camera(Camera(viewmat, avatar.camera.K, *rgba.shape[1::-1]))
    known = replace(head.translated(own), global_orient=still, transl=still, neck_pose=still)
    return tracker.portrait_of(look, Fit(known, camera, error_px=0.0))
