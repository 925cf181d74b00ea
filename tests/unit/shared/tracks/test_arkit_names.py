"""ARKit's names as programs spell them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES
from shared.tracks.arkit_names import columns, index_of
from tests.fakes import arkit_files


@pytest.mark.parametrize("spelt", [str, arkit_files.pascal, arkit_files.snake, arkit_files.short])
def test_every_spelling_is_its_own_name_and_no_other(spelt: object) -> None:
    found = [index_of(spelt(name)) for name in ARKIT_NAMES]  # type: ignore[operator]
    assert found == list(range(52))


@pytest.mark.parametrize(
    "name", ["EYEBLINKLEFT", "eye blink left", "eyeBlink-L", "face|eyeBlinkLeft", "Face/EyeBlink_L"]
)
def test_case_separators_and_what_stands_before_do_not_matter(name: str) -> None:
    assert index_of(name) == ARKIT_NAMES.index("eyeBlinkLeft")


@pytest.mark.parametrize("name", ["", "_neutral", "HeadYaw", "earWiggle", "eyeBlink"])
def test_what_is_no_weight_has_no_number(name: str) -> None:
    assert index_of(name) is None


def test_a_few_strangers_are_left_out_and_many_refused() -> None:
    known, unknown = columns(Path("a.json"), [*ARKIT_NAMES, "tongueRollUp", "_neutral", "HeadYaw"])
    assert len(known) == 52
    assert unknown == ["tongueRollUp"]
    with pytest.raises(AvatarError, match="found hips, spine, expected ARKit names such as jaw"):
        columns(Path("a.json"), ["hips", "spine", "jawOpen"])


def test_a_name_in_two_spellings_is_twice() -> None:
    with pytest.raises(AvatarError, match="found eyeBlinkLeft twice"):
        columns(Path("a.json"), ["eyeBlink_L", "EyeBlinkLeft", "jawOpen"])
