"""What the backend is at, in words."""

import pytest

from blender_addon.link.phases import in_words


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("fit", "Fitting the head"),
        ("fit photo 2 of 3", "Photo 2 of 3: fitting the head"),
        ("fit together", "Fitting the head to all photos"),
        ("hanging", "hanging"),
        ("hanging photo 1 of 2", "Photo 1 of 2: hanging"),
    ],
)
def test_phases_are_told_in_words_and_of_several_photos_with_their_number(
    phase: str, words: str
) -> None:
    assert in_words(phase) == words
