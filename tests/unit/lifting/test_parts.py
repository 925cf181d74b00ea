"""The parser that ships tells skin, hair and clothes apart."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.assets import PART_DECODER
from backend.lifting.parts import Parts, parse, read_decoder
from backend.lifting.parts_hash import PART_DECODER_SHA256
from backend.lifting.view import View
from backend.model.part_decoder import PartDecoder
from shared.errors import AvatarError


@pytest.fixture(scope="module")
def view(portrait, pipeline) -> View:
    return View(portrait, pipeline.head)


def test_the_astronaut_wears_hair_and_a_suit_and_her_face_is_bare(view) -> None:
    cheeks, beside = view.shows("cheeks"), view.visible.face < 0
    assert view.parts.worn[cheeks].mean() < 0.03
    assert view.parts.clothes[-40:, 200:300].mean() > 0.9, "the suit"
    eyes = int(view.portrait.landmarks[[33, 263], 1].mean())
    hair = beside & (view.matte > 0.95)
    hair[eyes:] = False
    assert view.parts.hair[hair].mean() > 0.9
    assert not (view.parts.hair & view.parts.clothes).any()


def test_brows_lips_and_glasses_are_drawn_on_skin(view) -> None:
    for region in ("brows", "lips", "lids"):
        assert view.parts.worn[view.shows(region)].mean() < 0.1, region


@pytest.mark.parametrize("light", [0.5, 1.6])
def test_parts_stay_what_they_are_in_another_light(view, light: float) -> None:
    changed = (view.portrait.matted**light).astype(np.float32)
    parts = parse(changed, view.matte)
    person = view.matte > 0.95
    assert (parts.worn != view.parts.worn)[person].mean() < 0.06


def test_a_mirrored_person_has_mirrored_parts(view) -> None:
    mirrored = np.ascontiguousarray(view.portrait.matted[:, ::-1])
    parts = parse(mirrored, np.ascontiguousarray(view.matte[:, ::-1]))
    person = view.matte > 0.95
    assert (parts.worn[:, ::-1] != view.parts.worn)[person].mean() < 0.04


def test_pictures_of_other_sizes_are_parsed_alike(view) -> None:
    small = cv2.resize(view.portrait.matted, (256, 256), interpolation=cv2.INTER_AREA)
    matte = cv2.resize(view.matte, (256, 256), interpolation=cv2.INTER_AREA)
    parts = parse(small, matte)
    assert parts.hair.shape == (256, 256)
    assert (parts.worn != view.parts.worn[::2, ::2])[matte > 0.95].mean() < 0.06


def test_beside_the_person_there_is_nothing(portrait, pipeline) -> None:
    nobody = View(replace(portrait, matte=np.zeros_like(portrait.matte)), pipeline.head)
    assert not nobody.parts.worn.any()


def test_worn_is_hair_and_clothes() -> None:
    hair, clothes = np.array([[True, False, False]]), np.array([[False, True, False]])
    np.testing.assert_array_equal(Parts(hair, clothes).worn, [[True, True, False]])


def test_the_weights_are_small_and_whole() -> None:
    assert PART_DECODER.stat().st_size < 200_000
    decoder = read_decoder(PART_DECODER, PART_DECODER_SHA256)
    assert isinstance(decoder, PartDecoder)
    assert not decoder.training
    assert not any(p.requires_grad for p in decoder.parameters())


def test_another_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"another file")
    with pytest.raises(AvatarError, match="expected " + PART_DECODER_SHA256[:16]) as error:
        read_decoder(tmp_path / "other.safetensors", PART_DECODER_SHA256)
    assert "make_parser.py" in error.value.remedy
