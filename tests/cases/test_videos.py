"""Videos, animated pictures and folders as people bring them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from backend.rendering.batch import write_video
from backend.tracking.hdr import HLG, PQ
from backend.tracking.notes import HDR
from backend.tracking.pictures import Pictures
from backend.tracking.video import track_video
from shared.errors import AvatarError
from shared.progress import silent
from tests.cases.test_photos import HEIC
from tests.unit.tracking.pictures import opened

_IDENTITY = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
_TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.088, 0.8956]])


@pytest.fixture(scope="module")
def pixels(astronaut: bytes) -> np.ndarray:
    return np.asarray(opened(astronaut))


def counted(pixels: np.ndarray, number: int, count: int) -> np.ndarray:
    """[256, 256, 3] a frame whose upper rows tell its number."""
    frame = cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA)
    frame[:24] = 255 * number // count
    return frame


def numbers(pictures: Pictures, count: int) -> list[int]:
    return [round(float(f[4:16].mean()) * count / 255) for f in pictures.frames()]


def encode(path: Path, frames: list[np.ndarray], codec: str = "libx264", **facts) -> Path:
    options = facts.pop("options", {})
    with av.open(str(path), "w", options=facts.pop("container", {})) as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = facts.pop("pix_fmt", "yuv420p")
        for name, value in facts.items():
            setattr(stream.codec_context, name, value)
        for picture in frames:
            deep = picture.dtype == np.uint16
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le" if deep else "rgb24")
            if deep:
                frame = frame.reformat(
                    format=stream.pix_fmt,
                    dst_colorspace="BT2020",
                    src_color_range="JPEG",
                    dst_color_range="MPEG",
                )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


# ---- damage and kinds


@pytest.mark.parametrize("flipped_at", [0.3, 0.5, 0.8])
def test_reading_goes_on_after_damage_and_tells_it(pixels, tmp_path, flipped_at):
    frames = [counted(pixels, n, 32) for n in range(32)]
    path = encode(tmp_path / "a.mp4", frames, options={"g": "12"})
    data = bytearray(path.read_bytes())
    at = int(len(data) * flipped_at)
    data[at : at + 200] = bytes(byte ^ 255 for byte in data[at : at + 200])
    path.write_bytes(data)
    pictures = Pictures.open(path)
    assert len(pictures) == 32
    gaps = np.abs(np.array(numbers(pictures, 32)) - range(32))
    assert (gaps > 0).sum() <= 6, "where nothing is left of a frame, the one before stands"
    assert gaps.max() <= 3
    (note,) = pictures.notes
    assert note.startswith(f"Damaged frames in {path}: ")


def test_what_is_in_a_file_decides_and_not_its_suffix(pixels, tmp_path):
    video = encode(tmp_path / "a.mp4", [counted(pixels, n, 9) for n in range(9)])
    assert len(Pictures.open(video.rename(tmp_path / "a.jpg"))) == 9
    first, *more = (Image.fromarray(counted(pixels, n, 6)) for n in range(6))
    first.save(tmp_path / "a.webp", save_all=True, append_images=more, duration=40, lossless=True)
    assert len(Pictures.open((tmp_path / "a.webp").rename(tmp_path / "b.mp4"))) == 6


def test_an_undamaged_video_has_no_notes(pixels, tmp_path):
    path = encode(tmp_path / "a.mp4", [counted(pixels, n, 9) for n in range(9)])
    pictures = Pictures.open(path)
    assert pictures.notes == ()
    assert numbers(pictures, 9) == list(range(9))


def test_av1_is_read(pixels, tmp_path):
    path = tmp_path / "a.mp4"
    encode(path, [counted(pixels, n, 6) for n in range(6)], "libsvtav1", options={"preset": "12"})
    assert numbers(Pictures.open(path), 6) == list(range(6))


@pytest.mark.parametrize("suffix", ["webp", "gif", "png", "avif"])
def test_animated_pictures_have_all_their_frames(pixels, tmp_path, suffix):
    frames = [Image.fromarray(counted(pixels, n, 10)) for n in range(10)]
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80)
    pictures = Pictures.open(path)
    assert pictures.fps == pytest.approx(12.5)
    assert numbers(pictures, 10) == list(range(10))
    assert not pictures.is_video


@pytest.mark.parametrize("suffix", ["png", "avif"])
def test_an_animation_with_a_damaged_picture_does_not_become_a_still_one(pixels, tmp_path, suffix):
    frames = [Image.fromarray(counted(pixels, n, 10)) for n in range(10)]
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80)
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 2000)
    content[middle] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(AvatarError, match=rf"a\.{suffix}: picture \d+ of 10 cannot be") as caught:
        Pictures.open(path)
    assert caught.value.code == "bad_file"


@pytest.mark.parametrize("suffix", ["avif", "jfif", "gif", "jp2", "webp"])
def test_one_picture_of_any_kind_drives(pixels, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path, "JPEG" if suffix == "jfif" else None)
    (frame,) = Pictures.open(path).frames()
    assert np.abs(frame[..., ::-1].astype(int) - pixels).mean() < 6


def test_a_title_in_latin_1_does_not_matter(pixels, tmp_path):
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Xmm Titel"
        stream: Any = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(counted(pixels, 0, 1))))
        container.mux(stream.encode())
    content = path.read_bytes()
    assert content.count(b"Xmm Titel") == 1
    path.write_bytes(content.replace(b"Xmm Titel", "Männchen!".encode("latin-1")))
    assert len(list(Pictures.open(path).frames())) == 1


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / "a.heic").write_bytes(HEIC)
    with pytest.raises(AvatarError, match=r"a\.heic is a HEIC picture") as caught:
        Pictures.open(tmp_path / "a.heic")
    assert "Export it as JPEG" in caught.value.remedy
    (tmp_path / "a.mp4").write_bytes(b"hello" * 100)
    with pytest.raises(AvatarError, match=r"a\.mp4 is not a video that can be read"):
        Pictures.open(tmp_path / "a.mp4")


# ---- how it looks


def signal(pixels: np.ndarray, transfer: int) -> np.ndarray:
    """[H, W, 3] uint16 the HDR signal of sRGB, white paper at 203 cd/m2 (BT.2408)."""
    value = pixels / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    light = 203 * (linear @ _TO_2020.T)
    if transfer == PQ:
        y = (light / 10000) ** 0.1593017578125
        found = ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    else:
        luminance = np.maximum(light @ [0.2627, 0.678, 0.0593], 1e-4)[..., None]
        scene = light / 1000 * (luminance / 1000) ** (1 / 1.2 - 1)
        loud = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        found = np.where(scene <= 1 / 12, np.sqrt(3 * scene), loud)
    return (np.clip(found, 0, 1) * 65535).astype(np.uint16)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_hdr_looks_as_on_an_ordinary_screen_and_is_told(pixels, tmp_path, transfer):
    shades = signal(cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA), transfer)
    path = encode(
        tmp_path / "a.mp4",
        [shades] * 2,
        pix_fmt="yuv420p10le",
        options={"crf": "0"},
        color_trc=transfer,
        color_primaries=9,
        colorspace=9,
        color_range=1,
    )
    pictures = Pictures.open(path)
    assert pictures.notes == (HDR,)
    found = next(iter(pictures.frames()))[..., ::-1]
    expected = cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(found.astype(int) - expected).mean() < 4
    assert abs(found.mean() - expected.mean()) < 1


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)])
def test_videos_stand_as_their_file_says(pixels, tmp_path, matrix):
    """OpenCV turns them too."""
    path = encode(tmp_path / "a.mp4", [pixels[:400], pixels[:400]])
    a, b, c, d = (value << 16 for value in matrix)
    turned = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    data = path.read_bytes()
    at = data.index(_IDENTITY, data.index(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + 36 :])
    found = next(iter(Pictures.open(path).frames()))
    capture = cv2.VideoCapture(str(path))
    expected = capture.read()[1]
    capture.release()
    np.testing.assert_array_equal(found, expected)


# ---- folders


def folder_of(tmp_path: Path, names: list[str], pixels: np.ndarray) -> Path:
    for number, name in enumerate(names):
        kind = {".jfif": "JPEG"}.get(Path(name).suffix.lower())
        Image.fromarray(counted(pixels, number, len(names))).save(tmp_path / name, kind)
    return tmp_path


def test_a_folder_of_new_kinds_is_read(pixels, tmp_path):
    folder = folder_of(tmp_path, ["a.jfif", "b.JFIF", "c.avif", "d.gif"], pixels)
    assert numbers(Pictures.open(folder), 4) == [0, 1, 2, 3]


def test_numbers_in_names_count_as_numbers(pixels, tmp_path):
    folder = folder_of(tmp_path, [f"frame{n}.png" for n in range(12)], pixels)
    assert numbers(Pictures.open(folder), 12) == list(range(12))


def test_hidden_files_beside_pictures_are_none(pixels, tmp_path):
    folder = folder_of(tmp_path, ["a.png"], pixels)
    (folder / "._a.png").write_bytes(b"\0\5\26\7")
    assert len(Pictures.open(folder)) == 1


def test_pictures_that_are_not_read_are_named(pixels, tmp_path):
    (tmp_path / "a.heic").write_bytes(HEIC)
    with pytest.raises(AvatarError, match=r"no pictures that are read, but a\.heic"):
        Pictures.open(tmp_path)
    folder = folder_of(tmp_path, ["b.png"], pixels)
    assert "1 pictures of the folder were left out" in Pictures.open(folder).notes[0]


def test_frames_of_several_sizes_stand_in_the_middle_of_one_video(tmp_path):
    for name, size in (("a", (64, 64)), ("b", (64, 48)), ("c", (48, 64))):
        Image.new("RGB", size, (250, 250, 250)).save(tmp_path / f"{name}.png")
    pictures = [tmp_path / f"{name}.png" for name in "abc"]
    write_video(tmp_path / "a.mp4", pictures, 25, (0, 0, 0), silent)
    whole, flat, narrow = Pictures.open(tmp_path / "a.mp4").frames()
    assert whole.shape == flat.shape == narrow.shape == (64, 64, 3)
    assert (whole > 200).all()
    assert flat[:6].max() < 60 < 200 < flat[12:52].min()
    assert narrow[:, -6:].max() < 60 < 200 < narrow[:, 12:52].min()


# ---- people


def test_a_larger_person_for_some_frames_is_not_taken_for_the_first(tracker, pixels):
    """Their face is lit from elsewhere, and mirrored, so that it looks like nobody seen before."""
    person = np.full((420, 700, 3), 110, np.uint8)
    person[:, :300] = pixels[:420, 60:360]
    mirrored = cv2.resize(pixels[20:230, 120:330][:, ::-1], (380, 380))
    lit = mirrored * np.linspace(0.1, 1.2, 380)[:, None]
    other = np.full((420, 700, 3), 110, np.uint8)
    other[20:400, 300:680] = lit.clip(0, 255)
    frames = [other if 2 <= n < 6 else person for n in range(8)]
    tracked = track_video(tracker, [f[..., ::-1].copy() for f in frames], 25, silent)
    assert tracked.hidden == tracked.missing == [2, 3, 4, 5]
    assert np.ptp(tracked.track.transl[:, 2]) < 0.01, "metres: the head stays where it is"
    assert "somebody else's face, but not the first person's: 4, from frame 2" in tracked.notes[0]


def test_frames_without_a_face_are_bridged_and_told(tracker, pixels):
    nobody = np.full((420, 300, 3), 90, np.uint8)
    person = pixels[:420, 60:360, ::-1].copy()
    tracked = track_video(tracker, [nobody, nobody, person, nobody, person], 25, silent)
    assert tracked.missing == [0, 1, 3]
    assert tracked.notes == [
        "Frames without a face: 3, from frame 0 on (0.0 s). The motion goes on evenly there."
    ]
