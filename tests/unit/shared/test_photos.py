"""Which photos can be given together."""

from __future__ import annotations

import pytest

from shared import photos as given
from shared.errors import AvatarError
from shared.photos import MOST_PHOTOS, Photo, check_photos, check_sendable


def photos(count: int) -> list[Photo]:
    return [Photo(f"{number}.jpg", bytes([number])) for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, MOST_PHOTOS])
def test_a_few_photos_are_taken(count):
    check_photos(photos(count))


@pytest.mark.parametrize("count", [0, MOST_PHOTOS + 1])
def test_none_and_too_many_are_refused(count):
    with pytest.raises(AvatarError) as caught:
        check_photos(photos(count))
    assert caught.value.code == "bad_request"
    assert caught.value.message == f"{count} photos were given; expected 1 to 5."


def test_one_picture_given_twice_is_named():
    with pytest.raises(AvatarError) as caught:
        check_photos([*photos(2), Photo("copy.jpg", bytes([1]))])
    assert caught.value.message == (
        "copy.jpg is the same picture as 1.jpg; expected different ones."
    )


def test_one_photo_needs_no_name_and_several_do():
    check_photos([Photo("", b"a")])
    with pytest.raises(AvatarError) as caught:
        check_photos([Photo("a.jpg", b"a"), Photo("", b"b")])
    assert caught.value.message == "Photo 2 of 2 has no name; expected one for each."


def test_files_that_are_together_too_large_for_a_message_are_named(monkeypatch):
    monkeypatch.setattr(given, "MAX_MESSAGE_BYTES", given.MAX_HEADER_BYTES + 20_000_000)
    few = [Photo("a.tif", bytes(12_000_000)), Photo("b.tif", bytes(8_000_000))]
    check_sendable(few)
    with pytest.raises(AvatarError) as caught:
        check_sendable([few[0], Photo("b.tif", bytes(10_000_000))])
    assert caught.value.code == "bad_request"
    assert caught.value.message == (
        "The files of a.tif and b.tif have 0.02 GB; expected at most 0.02 GB."
    )
    assert caught.value.remedy == "Save them as JPEG."
