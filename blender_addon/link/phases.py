"""What the backend is at, in words for whoever waits: its own names are for logs and scripts."""

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


def in_words(phase: str) -> str:
    """A phase for display; one that has no words here speaks for itself."""
    return WORDS.get(phase, phase)
