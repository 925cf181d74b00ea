"""Whether data belongs to a head: a data set as a whole, and a frame of it."""

from __future__ import annotations

from backend.data.frame import Frame, FrameSource
from backend.head import Head
from shared.errors import AvatarError


def check_data(data: FrameSource, head: Head, preset: str, image_size: int) -> None:
    """Refuses a data set of another head's codes, or of another size.

    Args:
        data: The data set.
        head: The preset's head.
        preset: Its name, for the message.
        image_size: Side of the pictures that it works on.

    Raises:
        AvatarError: `head_mismatch` or `bad_request`.
    """
    if data.head != head.codes:
        raise AvatarError(
            "head_mismatch",
            f"The data set is of the head {data.head!r}; the preset {preset!r} takes data of "
            f"{head.codes!r}.",
            "Choose a preset of the data's head, or prepare the data with the preset's.",
        )
    if data.image_size != image_size:
        raise AvatarError(
            "bad_request",
            f"The data set's pictures are {data.image_size} px wide; the preset {preset!r} "
            f"expects {image_size}.",
            "Prepare the data with that size, or choose a preset of the data's.",
        )


def check_frame(frame: Frame, head: Head) -> None:
    """Refuses a frame of another head's codes.

    Raises:
        AvatarError: `head_mismatch`, naming clip and frame.
    """
    if frame.track.head != head.codes:
        raise AvatarError(
            "head_mismatch",
            f"Frame {frame.index} of clip {frame.clip!r} was tracked with the head "
            f"{frame.track.head!r}; loaded is {head.codes!r}.",
            "Choose a preset of that head, or track the data again.",
        )
