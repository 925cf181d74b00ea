"""What photographs become: the right portrait, or one error that says what to do."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.tracking.detect import Face
from backend.tracking.notes import COLOURLESS, DARK, TURNED
from shared.errors import AvatarError
from shared.progress import silent
from tests.unit.tracking.pictures import encoded, in_picture, opened, rotated_file, with_alpha


@pytest.fixture(scope="module")
def picture(astronaut: bytes) -> Image.Image:
    return opened(astronaut)


def refusal(tracker, data: bytes, face: int | None = None) -> AvatarError:
    with pytest.raises(AvatarError) as caught:
        tracker.portrait(data, face, silent)
    return caught.value


def test_the_sample_portrait_fits_within_three_pixels(portrait):
    assert portrait.fit.error_px <= 3
    camera, track = portrait.fit.camera, portrait.fit.track
    assert (camera.width, camera.height) == (512, 512)
    assert len(track) == 1
    assert track.betas is not None
    smile = [43, 44]  # mouthSmileLeft and Right: she smiles
    assert track.expression[0, smile].min() > 0.4


def test_the_error_is_the_distance_of_independently_projected_landmarks(portrait, tracker):
    head, fit = tracker.head, portrait.fit
    betas = fit.track.betas[: head.shapedirs.shape[2]]
    vertices = (
        head.v_template.double().numpy()
        + head.shapedirs.double().numpy() @ betas
        + head.exprdirs.double().numpy() @ fit.track.expression[0]
    )
    corners = vertices[head.faces.numpy()[head.landmark_faces.numpy()]]
    points = (corners * head.landmark_bary.double().numpy()[..., None]).sum(1)
    local = points @ fit.camera.viewmat[:3, :3].T + fit.camera.viewmat[:3, 3]
    pixels = 12 * 256 * local[:, :2] / local[:, 2:] + 256
    miss = np.linalg.norm(pixels - portrait.landmarks, axis=1)[:468].mean()
    assert miss == pytest.approx(fit.error_px, abs=1e-3)


def test_the_matte_is_a_share_and_goes_on_softly_beyond_the_picture(portrait):
    matte = portrait.matte
    assert matte.dtype == np.float32
    assert matte.min() == 0
    assert matte.max() == 1
    outside = ~portrait.crop.inside(512, 512)
    assert outside.any(), "the crop reaches above the picture"
    assert (matte[outside] <= matte[~outside].max()).all()
    assert not portrait.matted[matte == 0].any()
    corners = matte[[30, 30], [5, -5]]
    assert not corners.any(), "background"
    eyes = portrait.landmarks[[159, 386]].astype(int)
    assert (matte[eyes[:, 1], eyes[:, 0]] == 1).all(), "person"


@pytest.mark.parametrize("orientation", [5, 6])
def test_a_turned_photo_gives_what_the_upright_one_gives(tracker, picture, portrait, orientation):
    """That all eight are decoded upright is `test_decode`'s."""
    data = rotated_file(picture, "JPEG", orientation, quality=97)
    found = tracker.portrait(data, None, silent)
    miss = np.linalg.norm(in_picture(found) - in_picture(portrait), axis=1)
    assert miss.mean() < 1, "pixels of the source, in which the face has 100"
    overlap = np.abs(found.matte - portrait.matte).mean()
    assert overlap < 0.02
    assert found.fit.error_px <= 3


@pytest.mark.usefixtures("quick_matte")
@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "L"), ("PNG", "P"), ("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("GIF", "RGB")],
)
def test_other_kinds_of_pictures_give_nearly_the_same(tracker, picture, portrait, kind, mode):
    found = tracker.portrait(encoded(picture.convert(mode), kind), None, silent)
    miss = np.linalg.norm(in_picture(found) - in_picture(portrait), axis=1)
    assert miss.mean() < 2
    assert found.fit.error_px <= 3


def test_a_transparent_face_is_refused(tracker, picture):
    rows = np.arange(512)[:, None] + np.zeros((1, 512), int)
    below = np.where(rows > 130, 255, 0).astype(np.uint8)  # forehead and eyes are missing
    error = refusal(tracker, encoded(with_alpha(picture, below), "PNG"))
    assert error.code == "bad_request"
    assert "of the face lies outside the picture or in its background" in error.message
    assert error.remedy == "Use a photo that shows the whole face."
    legs = np.where(rows > 400, 255, 0).astype(np.uint8)
    error = refusal(tracker, encoded(with_alpha(picture, legs), "PNG"))
    assert error.code in ("bad_request", "no_face_found")


def test_a_face_cut_by_the_pictures_border_is_refused(tracker, picture):
    error = refusal(tracker, encoded(picture.crop((0, 0, 250, 512)), "PNG"))
    assert error.code == "bad_request"
    assert error.remedy == "Use a photo that shows the whole face."


@pytest.fixture(scope="module")
def pair(picture: Image.Image) -> bytes:
    """A large face on the right, a smaller one on the left."""
    both = Image.new("RGB", (900, 512), (90, 90, 100))
    both.paste(picture.resize((380, 380)), (0, 60))
    both.paste(picture, (388, 0))
    return encoded(both, "PNG")


@pytest.mark.usefixtures("quick_matte")
def test_of_several_faces_the_largest_is_taken(tracker, pair):
    found = tracker.portrait(pair, None, silent)
    assert in_picture(found)[1, 0] > 388


@pytest.mark.usefixtures("quick_matte")
def test_faces_are_counted_from_left_to_right(tracker, pair):
    left, right = (in_picture(tracker.portrait(pair, i, silent)) for i in (1, 2))
    assert left[1, 0] < 380 < right[1, 0]
    for index in (3, -1):
        error = refusal(tracker, pair, index)
        assert error.code == "bad_request"
        assert f"Face {index} was asked for, but the picture shows 2" in error.message
        assert "from 1 to 2" in error.remedy


def test_a_small_face_is_refused_with_its_size(tracker, picture):
    error = refusal(tracker, encoded(picture.resize((256, 256)), "PNG"))
    assert error.code == "face_too_small"
    assert "The face is 49 pixels; at least 64 are needed." in error.message


@pytest.mark.usefixtures("quick_matte")
def test_a_face_a_little_larger_than_the_least_is_used(tracker, picture):
    found = tracker.portrait(encoded(picture.resize((360, 360)), "PNG"), None, silent)
    assert found.fit.error_px <= 3.5


def test_tiny_pictures_are_refused_and_harm_nothing(tracker, portrait, astronaut):
    for size in ((1, 1), (2, 3), (16, 16), (63, 63), (2000, 1), (3, 9000)):
        error = refusal(tracker, encoded(Image.new("RGB", size), "PNG"))
        assert error.code == "face_too_small"
        assert f"{size[0]}x{size[1]} pixels" in error.message
    again = tracker.portrait(astronaut, None, silent)
    np.testing.assert_array_equal(again.landmarks, portrait.landmarks)


def test_a_picture_without_a_face_is_refused_with_its_size(tracker):
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    error = refusal(tracker, encoded(noise, "PNG"))
    assert error.code == "no_face_found"
    assert "640x480" in error.message
    assert "one face from the front" in error.remedy


@pytest.mark.usefixtures("quick_matte")
def test_a_face_that_fills_the_picture_is_found(tracker, picture, portrait):
    close = picture.crop((165, 52, 285, 182)).resize((960, 1040))
    found = tracker.portrait(encoded(close, "PNG"), None, silent)
    places = in_picture(found) / 8 + [165, 52]
    assert np.linalg.norm(places - in_picture(portrait), axis=1).mean() < 2


def test_a_huge_picture_costs_little(tracker, picture):
    canvas = Image.new("RGB", (8000, 6000), (40, 60, 50))
    canvas.paste(picture, (3000, 2000))
    data = encoded(canvas, "JPEG", quality=85)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    found = tracker.portrait(data, None, silent)
    assert time.process_time() - started < 30
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mib < 1000, "the picture itself has 137 MiB"
    assert np.abs(in_picture(found)[1] - [3000 + 224, 2000 + 130]).max() < 40


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_photo_on_its_side_or_head_is_turned_upright(tracker, picture, portrait, angle):
    found = tracker.portrait(encoded(picture.rotate(angle), "PNG"), None, silent)
    assert found.notes == (TURNED,)
    np.testing.assert_allclose(found.landmarks, portrait.landmarks, atol=0.5)
    np.testing.assert_allclose(found.matte, portrait.matte, atol=0.02)


@pytest.mark.usefixtures("quick_matte")
def test_what_a_user_should_know_of_a_photo_is_noted(tracker, picture):
    dark = np.asarray(picture).astype(int) * 3 // 25
    found = tracker.portrait(encoded(dark.astype(np.uint8), "PNG"), None, silent)
    assert found.notes == (DARK,)
    grey = tracker.portrait(encoded(picture.convert("L"), "PNG"), None, silent)
    assert grey.notes == (COLOURLESS,)


@pytest.mark.usefixtures("quick_matte")
@pytest.mark.parametrize("angle", [-60, 40])
def test_a_head_on_its_side_is_fitted_as_well(tracker, picture, angle):
    found = tracker.portrait(encoded(picture.rotate(angle), "PNG"), None, silent)
    assert found.fit.error_px <= 3
    rolled = found.fit.camera.viewmat[:3, :3]
    seen = np.degrees(np.arctan2(rolled[1, 0], rolled[0, 0]))
    assert abs(seen + angle) < 5


def test_a_covered_face_is_not_found(tracker, picture):
    covered = picture.copy()
    ImageDraw.Draw(covered).rectangle((160, 85, 290, 200), fill=(20, 20, 20))
    assert refusal(tracker, encoded(covered, "PNG")).code == "no_face_found"


@pytest.mark.usefixtures("quick_matte")
def test_landmarks_that_no_head_has_are_called_a_bad_fit(portrait, tracker, monkeypatch, astronaut):
    rng = np.random.default_rng(1)

    detect = tracker.detector.detect

    def confused(rgb: np.ndarray) -> list[Face]:
        """Landmarks scattered over the face, as where something covers it."""
        shift = rng.normal(0, 25, (478, 3)).astype(np.float32)
        return [replace(face, landmarks=face.landmarks + shift) for face in detect(rgb)]

    monkeypatch.setattr(tracker, "_nearest", lambda rgb, crop, face: confused(rgb)[0])
    error = refusal(tracker, astronaut)
    assert error.code == "bad_request"
    assert "misses the face by" in error.message
    assert "nothing covers the face" in error.remedy


def test_cancelling_stops_between_the_parts(tracker, astronaut):
    for stop_at in ("detect", "matte", "fit"):

        def progress(phase: str, done: float, total: float, stop_at: str = stop_at) -> None:
            if phase == stop_at:
                raise AvatarError("cancelled", "Cancelled.", "")

        with pytest.raises(AvatarError) as caught:
            tracker.portrait(astronaut, None, progress)
        assert caught.value.code == "cancelled"


def test_a_process_that_tracked_ends_in_silence(repository):
    script = """
from backend.head import Head
from backend.tracking.portrait import Tracker
closed, left_open = (Tracker(Head.load()) for _ in range(2))
for tracker in (closed, left_open):
    tracker.look(open("backend/assets/astronaut.png", "rb").read(), None, lambda *a: None)
closed.close()
closed.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repository, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    assert "Traceback" not in done.stderr


def test_without_their_smile_people_keep_their_lips_and_nose(pipeline, portrait) -> None:
    """MakeHuman's average has thicker lips and a narrower nose: fits took the rest for a smile."""

    def sizes(points: np.ndarray) -> np.ndarray:
        """Upper lip, lower lip and nose, in distances of the eyes."""
        pairs = ((0, 13), (14, 17), (98, 327), (33, 263))
        *parts, eyes = (np.linalg.norm(points[a, :2] - points[b, :2]) for a, b in pairs)
        return np.array(parts) / eyes

    seen = sizes(portrait.landmarks)
    rest = sizes(pipeline.tracker.fitter.neutral(portrait.fit.track.betas))
    assert (rest[:2] < seen[:2] + [0.035, 0.02]).all(), "the detector parts lips that touch by .02"
    assert 0.8 * seen[2] < rest[2] < seen[2], "a smile widens it"
