"""The photos of one person that an avatar is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import AvatarError
from .wire import MAX_HEADER_BYTES, MAX_MESSAGE_BYTES

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


def check_count(count: int) -> None:
    """Refuses more photos than an avatar is made of, and none.

    Raises:
        AvatarError: `bad_request`.
    """
    if not 1 <= count <= MOST_PHOTOS:
        raise AvatarError(
            "bad_request", f"{count} photos were given; expected 1 to {MOST_PHOTOS}.", _CHOOSE
        )


def check_photos(photos: Sequence[Photo]) -> None:
    """Refuses too many photos, one that is given twice, and one of several without a name.

    Raises:
        AvatarError: `bad_request`.
    """
    check_count(len(photos))
    for index, photo in enumerate(photos):
        if len(photos) > 1 and not photo.name:
            raise AvatarError(
                "bad_request",
                f"Photo {index + 1} of {len(photos)} has no name; expected one for each.",
                "Send a name with each: errors and notes say which photo they are about.",
            )
        for before in photos[:index]:
            if photo.data == before.data:
                raise AvatarError(
                    "bad_request",
                    f"{photo.name} is the same picture as {before.name}; expected different ones.",
                    "Leave one of them out.",
                )


def check_sendable(photos: Sequence[Photo]) -> None:
    """Refuses photos whose files are larger than a message may be.

    Raises:
        AvatarError: `bad_request`.
    """
    total, most = sum(len(photo.data) for photo in photos), MAX_MESSAGE_BYTES - MAX_HEADER_BYTES
    if total > most:
        raise AvatarError(
            "bad_request",
            f"The files of {' and '.join(photo.name for photo in photos)} have "
            f"{total / 1e9:.2f} GB; expected at most {most / 1e9:.2f} GB.",
            "Save them as JPEG.",
        )
