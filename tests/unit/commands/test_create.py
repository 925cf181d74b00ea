"""Create: one portrait, or a few photos of one person."""

from pathlib import Path

import pytest

from tests.unit.commands.line import Line


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.jpg" for name in "abcdef"]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_a_portrait_becomes_an_avatar_beside_it(line: Line, photos: list[Path]) -> None:
    result = line.json("create", photos[0])
    assert Path(result["avatar"]) == photos[0].with_suffix(".savatar")
    assert photos[0].with_suffix(".savatar").read_bytes() == b"a.jpg"
    assert result["notes"] == ["It is drawn."]


def test_photos_become_one_avatar_beside_the_first(line: Line, photos: list[Path]) -> None:
    result = line.json("create", "--photos", *photos[:3])
    assert photos[0].with_suffix(".savatar").read_bytes() == b"a.jpgb.jpgc.jpg"
    assert result["notes"] == [f"{path}: It is drawn." for path in photos[:3]]


def test_a_portrait_and_photos_are_wrong_usage(line: Line, photos: list[Path]) -> None:
    line("create", photos[0], "--photos", *photos[1:3], code=2)
    assert "not allowed with" in line.err


def test_one_photo_is_no_several(line: Line, photos: list[Path]) -> None:
    line("create", "--photos", photos[0], code=1)
    assert line.err.splitlines() == [
        "--photos names 1 photo; expected 2 to 5.",
        "Use `create PHOTO` for one photo.",
    ]


def test_six_photos_are_too_many(line: Line, photos: list[Path]) -> None:
    line("create", "--photos", *photos, code=1)
    assert line.err.startswith("6 photos were given; expected")


def test_a_missing_photo_is_named(line: Line, photos: list[Path]) -> None:
    photos[1].unlink()
    line("create", "--photos", *photos[:3], code=1)
    assert line.err.startswith(f"{photos[1]} does not exist.")
