"""Which photos can be given together."""

from __future__ import annotations

import pytest

from backend.tracking.photos import MOST_PHOTOS, Photo, check_photos
from shared.errors import AvatarError


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
