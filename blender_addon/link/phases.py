"""What the backend is at, in words for whoever waits: its own names are for logs and scripts."""

import re

WORDS = {
    "decode": "Reading the photo",
    "detect": "Finding the face",
    "matte": "Finding hair and shoulders",
    "fit": "Fitting the head",
    "fit together": "Fitting the head to all photos",
    "encode": "Taking the photo's colours",
    "project": "Taking the photo's colours",
    "compare faces": "Comparing with the photo",
    "personalise": "Refining",
    "saving": "Saving the avatar",
    "opening": "Opening the avatar",
    "evaluating frames": "Reading the rig's frames",
}


_OF_A_PHOTO = re.compile(r"(.+) (photo \d+ of \d+)")
"""A phase of one of several photos."""


def in_words(phase: str) -> str:
    """A phase for display; one that has no words here speaks for itself."""
    counted = _OF_A_PHOTO.fullmatch(phase)
    if counted is None:
        return WORDS.get(phase, phase)
    words = in_words(counted[1])
    return f"{counted[2].capitalize()}: {words[:1].lower()}{words[1:]}"
