"""The parser that ships tells skin, hair and clothes apart."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.assets import PART_DECODER
from backend.lifting.parts import (
    Parts,
    parse,
    read_decoder,
    with_collars,
    without_rim,
    without_skin,
)
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


SKIN, SHADED, SHIRT, SUIT = (0.8, 0.6, 0.5), (0.34, 0.25, 0.21), (0.9, 0.9, 0.95), (0.1, 0.1, 0.2)


def collar(seam: tuple[float, float, float], shirt=SHIRT) -> tuple[np.ndarray, Parts]:
    """A picture of skin above a shirt that a parser takes to begin three pixels too high."""
    rgb = np.empty((60, 40, 3))
    rgb[:30], rgb[30:33], rgb[33:] = SKIN, seam, shirt
    clothes = np.zeros((60, 40), bool)
    clothes[30:] = True
    return rgb, Parts(np.zeros_like(clothes), clothes)


@pytest.mark.parametrize("seam", [SKIN, SHADED])
def test_skin_at_a_collar_is_no_cloth_even_in_the_shade(seam) -> None:
    rgb, parts = collar(seam)
    found = without_skin(parts, rgb, np.ones((60, 40)))
    assert not found.clothes[:33].any()
    assert found.clothes[33:].all()
    assert found.hair is parts.hair


@pytest.mark.parametrize(
    ("seam", "shirt"), [(SHIRT, SHIRT), (SUIT, SUIT), (SKIN, (0.82, 0.6, 0.5)), ((0, 0, 0), SHIRT)]
)
def test_cloth_stays_and_so_does_what_no_hue_tells(seam, shirt) -> None:
    rgb, parts = collar(seam, shirt)
    np.testing.assert_array_equal(
        without_skin(parts, rgb, np.ones((60, 40))).clothes, parts.clothes
    )


def test_far_from_skin_cloth_of_its_hue_stays_and_so_does_all_where_no_skin_shows() -> None:
    rgb, parts = collar(SHIRT)
    rgb[50:] = SKIN
    np.testing.assert_array_equal(
        without_skin(parts, rgb, np.ones((60, 40))).clothes, parts.clothes
    )
    covered = Parts(parts.hair, np.ones_like(parts.clothes))
    assert without_skin(covered, rgb, np.ones((60, 40))).clothes.all()


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


def bob_and_collar() -> Parts:
    """Hair at both sides of a face, and clothes below; a jacket's collar taken for hair."""
    hair, clothes = np.zeros((2, 200, 200), bool)
    hair[20:110, 40:60] = hair[20:110, 140:160] = True
    clothes[150:] = True
    hair[150:170, 80:100] = True
    clothes[150:170, 80:100] = False
    return Parts(hair, clothes)


GREY, PERSON = np.full((200, 200, 3), 0.3), np.ones((200, 200))


def test_an_island_of_hair_in_clothes_is_clothes() -> None:
    parts = bob_and_collar()
    whole = with_collars(parts, GREY, PERSON, 120, 100)
    assert whole.clothes[150:].all()
    assert not whole.hair[120:].any()
    np.testing.assert_array_equal(whole.hair[:120], parts.hair[:120])


def test_an_earring_before_a_collar_stays_on_its_ear() -> None:
    rgb = GREY.copy()
    rgb[150:156, 86:94] = (0.8, 0.6, 0.2)
    whole = with_collars(bob_and_collar(), rgb, PERSON, 120, 100)
    assert whole.hair[150:156, 86:94].all()
    assert whole.clothes[158:].all()


def test_a_beards_outline_above_a_collar_is_no_cloth() -> None:
    """Of the beard's brown, where the jaw ends before the backdrop; a dark suit lies below."""
    parts, beard = bob_and_collar(), (slice(122, 150), slice(60, 66))
    parts.hair[beard] = True
    matte = PERSON.copy()
    matte[:150, :60] = 0
    rgb = np.full((200, 200, 3), (0.1, 0.1, 0.15))
    rgb[100:150, 60:100] = (0.3, 0.25, 0.2)
    assert with_collars(parts, rgb, matte, 120, 100).hair[beard].all()
    rgb[beard] = (0.12, 0.12, 0.15)  # the collar's shaded inside
    assert with_collars(parts, rgb, matte, 120, 100).clothes[beard].all()


def test_locks_and_strands_stay_hair() -> None:
    """Long hair hangs over shoulders: joined to the head's, or in large locks."""
    parts = bob_and_collar()
    parts.hair[100:170, 40:60] = True
    parts.clothes[100:170, 40:60] = False
    joined = with_collars(parts, GREY, PERSON, 120, 100)
    assert joined.hair[100:170, 40:60].all()
    for other in (
        with_collars(bob_and_collar(), GREY, PERSON, 120, 40),  # the same below a smaller face
        with_collars(bob_and_collar(), GREY, PERSON, 160, 100),  # and beside a face
    ):
        np.testing.assert_array_equal(other.hair, bob_and_collar().hair)


def test_a_line_of_hair_around_a_bald_skull_is_skin() -> None:
    rows, columns = np.mgrid[:200, :200]
    away = np.hypot(rows - 110, columns - 100)
    matte, hair = (away < 80).astype(np.float32), (away < 80) & (away > 73)
    tuft = (away < 80) & (away > 60) & (rows > 100) & (columns < 60)
    parts = without_rim(Parts(hair | tuft, np.zeros_like(hair)), matte, 150)
    inner = (away < 78) & (rows > 105) & (rows < 125) & (columns < 50)
    assert parts.hair[tuft & inner].all(), "a fringe above the ears stays"
    assert not parts.hair[rows < 80].any()
    assert not parts.hair[:150, 120:].any()
    np.testing.assert_array_equal(parts.hair[150:], (hair | tuft)[150:])


def test_strands_inside_the_outline_are_no_rim() -> None:
    hair = np.zeros((200, 200), bool)
    hair[60:140, 98:104] = True
    matte = np.ones((200, 200), np.float32)
    np.testing.assert_array_equal(without_rim(Parts(hair, ~hair), matte, 200).hair, hair)
