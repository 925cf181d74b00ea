"""Photographs as people bring them: read as they look, or refused with what to do."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from backend.tracking import faces
from backend.tracking.decode import decode
from backend.tracking.detect import Face
from backend.tracking.faces import choose, everyone, least_px
from backend.tracking.joint_portraits import track_photos
from backend.tracking.notes import DARK, TURNED
from backend.tracking.upright import quarter_turns
from shared.errors import AvatarError
from shared.photos import Photo
from shared.pictures import SUFFIXES
from shared.progress import silent
from tests.unit.tracking.pictures import encoded, in_picture, opened, with_alpha
from tests.unit.tracking.profiles import SPACES, encoded_in, matrix_profile

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


@pytest.fixture(scope="module")
def picture(astronaut: bytes) -> Image.Image:
    return opened(astronaut)


@pytest.fixture(scope="module")
def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture)


def sixteen(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()


def refusal(data: bytes) -> AvatarError:
    with pytest.raises(AvatarError) as caught:
        decode(data, "me.heic")
    return caught.value


# ---- alpha


def disc(x: int, y: int, radius: int) -> np.ndarray:
    rows, columns = np.mgrid[0:512, 0:512]
    return np.hypot(columns - x, rows - y) < radius


ALPHAS = {
    "round": disc(256, 256, 256) * 255,
    "round about the face": disc(224, 180, 200) * 255,
    "one side clear": np.repeat((np.arange(512) < 330)[None] * 255, 512, 0),
    "half everywhere": np.full((512, 512), 128),
    "fading out below": np.clip(255 - 1.2 * (np.mgrid[0:512, 0:512][0] - 300), 0, 255),
}


@pytest.mark.parametrize("below", ["kept", "black", "white"])
@pytest.mark.parametrize("alpha", list(ALPHAS.values()), ids=list(ALPHAS))
def test_alpha_that_is_no_cut_out_changes_little(tracker, pixels, portrait, alpha, below):
    """What programs leave below clear pixels differs: the picture, or one colour."""
    clear = (alpha == 0)[..., None]
    colours = pixels if below == "kept" else np.where(clear, 255 * (below == "white"), pixels)
    data = encoded(with_alpha(Image.fromarray(colours.astype(np.uint8)), alpha.astype("u1")), "PNG")
    found = tracker.portrait(data, None, silent)
    assert found.matte.mean() == pytest.approx(portrait.matte.mean(), abs=0.02)


def test_colours_of_a_tiff_with_alpha_are_not_darkened(picture, pixels):
    """OpenCV multiplies them with it."""
    alpha = np.full((512, 512), 128, np.uint8)
    alpha[:, 256:] = 100
    found = decode(encoded(with_alpha(picture, alpha), "TIFF"))
    np.testing.assert_array_equal(found.rgb, pixels)
    np.testing.assert_array_equal(found.alpha, alpha)


# ---- colours and light


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("space", list(SPACES))
def test_profiles_are_followed_in_every_kind_of_file(picture, pixels, kind, space):
    primaries, gamma = SPACES[space]
    lossless = kind in ("PNG", "TIFF")
    quality = {} if lossless else {"quality": 95}
    profile = matrix_profile(primaries, gamma)
    data = encoded(encoded_in(pixels, primaries, gamma), kind, icc_profile=profile, **quality)
    again = np.asarray(Image.open(io.BytesIO(encoded(picture, kind, **quality))).convert("RGB"))
    noise = np.abs(again.astype(int) - pixels).mean()
    assert np.abs(decode(data).rgb.astype(int) - pixels).mean() < noise + 1.2


def test_a_camera_that_says_adobe_rgb_in_exif_alone_is_followed(pixels):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF  # uncalibrated
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    primaries, _ = SPACES["Adobe RGB"]
    own = encoded_in(pixels, primaries, 563 / 256)
    plain, told = (
        decode(encoded(own, "JPEG", quality=97, **more)).rgb.astype(int)
        for more in ({}, {"exif": exif})
    )
    assert np.abs(plain - pixels).mean() > 4
    assert np.abs(told - pixels).mean() < 2.5


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_cameras_bits_in_sixteen_are_as_bright_as_all_of_them_and_told(pixels, bits):
    deep = (pixels.astype(np.uint16) * 257) >> (16 - bits)
    found = decode(sixteen(deep))
    assert np.abs(found.rgb.astype(int) - pixels).max() <= 1
    assert f"taken for {bits} bits" in found.notes[0]
    assert not decode(sixteen(pixels.astype(np.uint16) * 257)).notes


def test_a_dark_photo_of_eight_bits_spread_over_sixteen_stays_dark(pixels):
    dark = pixels // 20
    found = decode(sixteen(dark.astype(np.uint16) * 257))
    np.testing.assert_array_equal(found.rgb, dark)


@pytest.mark.parametrize("share", [0.06, 0.03, 0.01])
def test_who_is_hardly_lit_is_told_from_the_background_all_the_same(
    tracker, pixels, portrait, share
):
    found = tracker.portrait(encoded((pixels * share).astype(np.uint8), "PNG"), None, silent)
    assert found.matte.mean() == pytest.approx(portrait.matte.mean(), abs=0.02)
    assert DARK in found.notes
    assert found.rgb.max() < 0.1, "the avatar is as dark as the photo"


# ---- kinds of files


@pytest.mark.parametrize("kind", ["GIF", "AVIF", "TIFF", "BMP", "JPEG2000", "PPM", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.95])
def test_a_cut_file_of_any_kind_is_refused(picture, kind, kept):
    """Grey pixels in place of what is missing would be taken for the person's."""
    for shown in (picture, picture.convert("RGBA")) if kind in ("TIFF", "WEBP") else (picture,):
        data = encoded(shown, kind)
        assert refusal(data[: int(len(data) * kept)]).code == "bad_file"


def test_every_kind_that_file_browsers_offer_is_read(picture, pixels, tmp_path):
    names = {".jpe": "JPEG", ".jfif": "JPEG", ".dib": "BMP", ".pgm": "PPM", ".mpo": "MPO"}
    for suffix in SUFFIXES:
        path = tmp_path / f"a{suffix}"
        picture.convert("L" if suffix == ".pgm" else "RGB").save(path, names.get(suffix))
        found = decode(path.read_bytes())
        assert found.rgb.shape == pixels.shape, suffix


@pytest.mark.parametrize(
    ("data", "what", "remedy"),
    [
        (HEIC, "a HEIC picture", "Export it as JPEG"),
        (HEIC.replace(b"ftypheic", b"ftypmif1"), "a HEIC picture", "Most Compatible"),
        (b"\xff\x0a" + bytes(99), "a JPEG XL picture", "Export it as JPEG or PNG."),
        (b"8BPS" + bytes(99), "a Photoshop document", "Export it as JPEG or PNG."),
        (b"%PDF-1.7" + bytes(99), "a PDF document", "picture as JPEG"),
        (b"<svg xmlns=''></svg>", "an SVG drawing", "Export it as JPEG or PNG."),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", "a video", "Save one of its frames as PNG."),
        (b"\0\0\0\x18ftypcrx \0\0\0\0crx isom", "a camera's raw file", "export it as JPEG"),
    ],
)
def test_what_is_no_picture_that_is_read_is_named_with_the_remedy(data, what, remedy):
    error = refusal(data)
    assert error.code == "unsupported_format"
    assert error.message == f"me.heic is {what}, which is not read."
    assert remedy in error.remedy


def test_pictures_of_light_instead_of_colours_are_refused(pixels):
    for suffix in (".hdr", ".tiff"):
        data = cv2.imencode(suffix, (pixels / 255).astype(np.float32))[1].tobytes()
        error = refusal(data)
        assert "float32 numbers" in error.message
        assert "8 or 16 bits" in error.remedy


def test_a_refusal_names_the_photo(tracker):
    plain = encoded(np.full((300, 400, 3), 90, np.uint8), "PNG")
    with pytest.raises(AvatarError, match=r"holiday\.png: No face was found .*400x300") as caught:
        track_photos(tracker, [Photo("holiday.png", plain)], None, silent)
    assert caught.value.code == "no_face_found"


# ---- faces


def group(picture: Image.Image, sizes: list[int]) -> np.ndarray:
    page = Image.new("RGB", (400 * len(sizes), 400), (110, 110, 120))
    face = picture.crop((120, 20, 330, 230))
    for place, size in enumerate(sizes):
        page.paste(face.resize((size, size)), (400 * place, 50))
    return np.asarray(page)


def test_faces_count_from_one_at_the_left_and_nought_is_the_largest(tracker, picture):
    rgb = group(picture, [200, 330, 230])
    places = [choose(tracker.detector, rgb, n).landmarks[1, 0] // 400 for n in (1, 2, 3)]
    assert places == [0, 1, 2]
    for largest in (0, None):
        assert choose(tracker.detector, rgb, largest).landmarks[1, 0] // 400 == 1
    with pytest.raises(AvatarError, match="Face 4 was asked for, but the picture shows 3") as found:
        choose(tracker.detector, rgb, 4)
    assert "a face from 1 to 3" in found.value.remedy


def on_page(picture: Image.Image, width: int, face_px: int, turns: int = 0) -> np.ndarray:
    side = round(300 * face_px / 100)
    person = picture.crop((80, 0, 380, 300)).resize((side, side)).rotate(90 * turns)
    page = Image.new("RGB", (width, width * 3 // 4), (110, 115, 120))
    page.paste(person, (width * 5 // 8, width // 3))
    return np.asarray(page)


@pytest.mark.parametrize(("width", "face_px"), [(1500, 68), (6000, 68)])
def test_small_faces_of_big_pictures_are_found(tracker, picture, width, face_px):
    rgb = on_page(picture, width, face_px)
    assert quarter_turns(tracker.detector, rgb) == 0
    (face,) = everyone(tracker.detector, rgb)
    expected = np.array([width * 5 // 8, width // 3]) + np.array([144, 132]) * face_px / 100
    assert np.abs(face.landmarks[1, :2] - expected).max() < face_px / 5


def test_a_small_face_that_lies_is_found_too(tracker, picture):
    assert quarter_turns(tracker.detector, on_page(picture, 1500, 80, turns=1)) == 3


@pytest.mark.parametrize("turns", [1, 2])
def test_in_a_phones_photo_a_lying_face_may_be_as_small_as_an_upright_one(tracker, picture, turns):
    page = on_page(picture, 4000, 75, turns=turns)
    assert (turns + (quarter_turns(tracker.detector, page) or 0)) % 4 == 0


class Sees:
    """A detector that counts its looks and finds nothing."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def detect(self, rgb: np.ndarray) -> list[Face]:
        self.sizes.append(rgb.shape[:2])
        return []


def test_a_huge_picture_without_a_face_costs_a_bounded_number_of_looks():
    """All of them but a few at 512 pixels a side, which take some milliseconds each."""
    sees = Sees()
    huge = np.zeros((8000, 12000, 3), np.uint8)
    assert quarter_turns(sees, huge) is None  # pyright: ignore[reportArgumentType]
    assert len(sees.sizes) < 560
    assert sum(max(size) > faces.TILE_PX for size in sees.sizes) < 14
    assert least_px(huge) == 94
    assert least_px(huge[:6000, :8000]) == 64


def test_looking_for_a_face_can_be_cancelled_between_looks():
    sees, ticks = Sees(), []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 20:
            raise AvatarError("cancelled", "Cancelled.", "")

    with pytest.raises(AvatarError, match="Cancelled"):
        quarter_turns(sees, np.zeros((3000, 4000, 3), np.uint8), tick)  # pyright: ignore[reportArgumentType]
    assert len(sees.sizes) < 30


def test_the_smallest_face_that_would_be_found_is_told(tracker):
    with pytest.raises(AvatarError, match="in which one of 94 pixels would be") as caught:
        raise faces.no_face(np.broadcast_to(np.uint8(0), (9000, 12000, 3)))
    assert caught.value.remedy.startswith("Crop the picture to the person, or use")


@pytest.mark.parametrize("angle", [135, 180, 255])
def test_a_photo_at_any_angle_is_turned_and_told(tracker, picture, portrait, angle):
    found = tracker.portrait(encoded(picture.rotate(angle), "PNG"), None, silent)
    assert TURNED in found.notes
    assert found.fit.error_px < 2
    size = np.linalg.norm(np.ptp(in_picture(found), axis=0))
    assert size == pytest.approx(np.linalg.norm(np.ptp(in_picture(portrait), axis=0)), rel=0.1)
