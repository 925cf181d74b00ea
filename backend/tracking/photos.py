"""The photos of one person that an avatar is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import AvatarError

MOST_PHOTOS = 5
_CHOOSE = "Choose those that show the face best from the front, from both sides, and smiling."


@dataclass(frozen=True)
class Photo:
    """A photograph.

    Args:
        name: What errors and notes call it.
        data: The picture file's bytes.
    """

    name: str
    data: bytes


def check_photos(photos: Sequence[Photo]) -> None:
    """Refuses too many photos, and one that is given twice.

    Raises:
        AvatarError: `bad_request`.
    """
    if not 1 <= len(photos) <= MOST_PHOTOS:
        raise AvatarError(
            "bad_request",
            f"{len(photos)} photos were given; expected 1 to {MOST_PHOTOS}.",
            _CHOOSE,
        )
    for index, photo in enumerate(photos):
        for before in photos[:index]:
            if photo.data == before.data:
                raise AvatarError(
                    "bad_request",
                    f"{photo.name} is the same picture as {before.name}; expected different ones.",
                    "Leave one of them out.",
                )
