"""Photos of one person tracked together: one identity, and errors and notes that name a photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from backend.export.png import over_background
from backend.tracking import joint_portraits
from backend.tracking.joint_portraits import track_photos
from backend.tracking.matte import Matter
from backend.tracking.notes import EYES_CLOSED, NODDING, ONE_EYE_CLOSED, PERHAPS_ANOTHER, TURNED
from backend.tracking.portrait import Portrait
from shared.errors import AvatarError
from shared.photos import Photo
from shared.progress import silent
from tests.unit.tracking.pictures import encoded, opened


@pytest.fixture(scope="module")
def smaller(astronaut) -> Photo:
    """The sample at another size, a little darker, on its side."""
    picture = opened(astronaut).resize((420, 420)).rotate(90)
    return Photo("smaller.png", encoded(picture.point(lambda v: int(v * 0.9)), "PNG"))


@pytest.fixture(scope="module")
def aside(pipeline, avatar) -> Photo:
    """The sample's avatar from the side."""
    turn = np.eye(4)
    turn[:3, :3] = [[0.94, 0, 0.342], [0, 1, 0], [-0.342, 0, 0.94]]  # 20 degrees
    camera = replace(avatar.camera, viewmat=avatar.camera.viewmat @ turn)
    drawn = pipeline.picture(avatar, avatar.source, camera).rgba8()
    grey = over_background(drawn, (0.4, 0.45, 0.5))[..., :3]
    return Photo("aside.png", encoded(Image.fromarray(grey), "PNG"))


@pytest.fixture(scope="module")
def together(tracker, astronaut, smaller, aside) -> list[Portrait]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Matter, "fine", lambda self, rgb, *_: self.matte(rgb))
        return track_photos(tracker, [Photo("a.png", astronaut), smaller, aside], None, silent)


def test_one_photo_gives_what_a_portrait_is(tracker, astronaut, portrait):
    (found,) = track_photos(tracker, [Photo("a.png", astronaut)], None, silent)
    np.testing.assert_array_equal(found.rgb, portrait.rgb)
    np.testing.assert_array_equal(found.fit.track.betas, portrait.fit.track.betas)
    assert found.notes == portrait.notes


def test_photos_share_an_identity_and_have_their_own_cameras(together, portrait):
    for found in together:
        np.testing.assert_array_equal(found.fit.track.betas, together[0].fit.track.betas)
        assert found.fit.error_px < 4
    assert together[0].digest == portrait.digest
    yaws = [np.degrees(np.arcsin(-p.fit.camera.viewmat[2, 0])) for p in together]
    assert abs(yaws[1] - yaws[0]) < 3
    assert 12 < abs(yaws[2] - yaws[0]) < 28


def test_notes_name_their_photos(together):
    assert [photo.notes for photo in together] == [(), (f"smaller.png: {TURNED}",), ()]


@pytest.mark.usefixtures("quick_matte")
def test_progress_tells_which_photo(tracker, astronaut, smaller):
    phases = []
    photos = [Photo("a.png", astronaut), smaller]
    track_photos(tracker, photos, None, lambda phase, done, total: phases.append(phase))
    assert {"decode photo 1 of 2", "matte photo 2 of 2", "fit together"} <= set(phases)


@pytest.mark.usefixtures("quick_matte")
def test_an_error_names_its_photo(tracker, astronaut):
    plain = Photo("wall.png", encoded(Image.new("RGB", (300, 300), (90, 90, 90)), "PNG"))
    with pytest.raises(AvatarError) as caught:
        track_photos(tracker, [Photo("a.png", astronaut), plain], None, silent)
    assert caught.value.code == "no_face_found"
    assert caught.value.message.startswith("wall.png: ")


@pytest.mark.usefixtures("quick_matte")
def test_a_photo_that_the_common_head_misses_is_named(tracker, astronaut, smaller, monkeypatch):
    fit_jointly = joint_portraits.fit_jointly

    def missed(fitter, sightings):
        first, second = fit_jointly(fitter, sightings)
        return [first, replace(second, error_px=9.0)]

    monkeypatch.setattr(joint_portraits, "fit_jointly", missed)
    with pytest.raises(AvatarError) as caught:
        track_photos(tracker, [Photo("a.png", astronaut), smaller], None, silent)
    assert caught.value.message.startswith("smaller.png: The head model misses the face by 9.0")


def test_a_cancelled_reading_stays_a_cancelled_one(tracker, astronaut, smaller):
    def stop(phase, done, total):
        raise AvatarError("cancelled", "Cancelled.", "")

    with pytest.raises(AvatarError) as caught:
        track_photos(tracker, [Photo("a.png", astronaut), smaller], None, stop)
    assert caught.value.message == "Cancelled."


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        ([(True, True), (False, False)], []),
        ([(True, True), (True, False)], [ONE_EYE_CLOSED]),
        ([(True, True), (True, True)], [EYES_CLOSED]),
        ([(False, False), (True, True)], []),
    ],
)
def test_eyes_are_closed_that_no_photo_shows_open(portrait, closed, expected):
    own = [(EYES_CLOSED,) if all(c) else (ONE_EYE_CLOSED,) if any(c) else () for c in closed]
    portraits = [
        replace(portrait, closed_eyes=c, notes=n) for c, n in zip(closed, own, strict=True)
    ]
    photos = [Photo("a.png", b"a"), Photo("b.png", b"b")]
    noted = joint_portraits._with_notes(photos, portraits, [])
    assert [n for p in noted for n in p.notes] == [f"a.png: {note}" for note in expected]


def test_height_of_view_is_the_main_photos_and_another_person_is_suspected_by_name(portrait):
    portraits = [portrait, replace(portrait, notes=(NODDING,))]
    photos = [Photo("a.png", b"a"), Photo("b.png", b"b")]
    noted = joint_portraits._with_notes(photos, portraits, [1])
    assert noted[1].notes == (f"b.png: {PERHAPS_ANOTHER.format(main='a.png')}",)
