"""What a user should know of a photo or a video that can be used, but not as well as others."""

from __future__ import annotations

import numpy as np

CUT_APART = (
    "Somebody else touches the person in this photo, and was cut off where the two seem to part."
)
TURNED = "The photo lay on its side or upside down, and was turned upright."
DARK = "The face is very dark; the avatar will be as dark. A brighter photo shows more."
COLOURLESS = "The photo has no colours; neither has the avatar."
EYES_CLOSED = "The photo shows no open eye; the avatar's eyes are brown and not the person's own."
ONE_EYE_CLOSED = "One eye is closed in this photo; it was given the other one's colours."
NODDING = "The face looks far up or down; a photo taken at eye level gives a better likeness."
ANOTHER_PERSON = (
    "From frame {number} on ({seconds:.1f} s) another person seems to be shown; one track holds "
    "the motion of both. Cut the video there and use one person's part."
)
SOMEBODY_ELSE = (
    "Frames that show somebody else's face, but not the first person's: {count}, from frame "
    "{number} on ({seconds:.1f} s). The first person's motion goes on evenly there."
)
NO_FACE = (
    "Frames without a face: {count}, from frame {number} on ({seconds:.1f} s). The motion goes on "
    "evenly there."
)
DAMAGED = (
    "Damaged frames in {path}: {lost} or more; where nothing is left of one, the one before stands "
    "for it. Convert the video anew from its source."
)
CUT = (
    "{path} ends at {seconds:.1f} s, though it says that it is {told:.1f} s long: its end is "
    "missing. Copy it again from where it is whole."
)
HDR = "The video is HDR; it was toned down to an ordinary screen's colours."
HDR_PICTURE = "The picture is HDR; it was toned down to an ordinary screen's colours."
LEFT_OUT = "{count} pictures of the folder were left out, since their kind is not read: {first}."
PERHAPS_ANOTHER = (
    "The face has another shape than in {main}; if it is another person's, leave this photo out."
)

_DARK = 0.13  # display sRGB
_GREY, _HARDLY_COLOURED = 4, 0.1  # between a pixel's channels: of 255, and of the largest
_NODDING_DEG = 25.0


def photo_notes(
    rgb: np.ndarray, at_face: np.ndarray, viewmat: np.ndarray, eyes_closed: tuple[bool, bool]
) -> list[str]:
    """Notes on how a photo was taken.

    Args:
        rgb: [H, W, 3] uint8 of the crop.
        at_face: [N, 2] pixels inside the face.
        viewmat: [4, 4] the fitted camera's.
        eyes_closed: See `closed_eyes`.
    """
    columns, rows = np.clip(at_face.astype(int), 0, len(rgb) - 1).T
    face = rgb[rows, columns].astype(int)
    apart = np.ptp(face, axis=-1)
    pitch = np.degrees(np.arcsin(np.clip(-viewmat[2, 1], -1, 1)))
    found = {
        DARK: np.median(face.max(-1)) < _DARK * 255,
        COLOURLESS: np.median(apart) < min(_GREY, _HARDLY_COLOURED * np.median(face.max(-1))),
        EYES_CLOSED: all(eyes_closed),
        ONE_EYE_CLOSED: sum(eyes_closed) == 1,
        NODDING: abs(pitch) > _NODDING_DEG,
    }
    return [note for note, true in found.items() if true]
