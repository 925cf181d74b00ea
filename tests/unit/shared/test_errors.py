"""Messages stay legible, whatever a file says."""

from shared import wire
from shared.errors import AvatarError


def test_a_value_without_end_is_shortened_in_the_middle() -> None:
    found = f"a.json: key 'fps' is {'9' * 5000}; expected less."
    error = AvatarError("bad_file", found, "Mend it.")
    assert error.message.startswith("a.json: key 'fps' is 9999")
    assert error.message.endswith("9999; expected less.")
    assert " ... " in error.message
    assert len(error.message) < 2010
    assert str(error) == f"{error.message} Mend it."


def test_half_a_character_can_be_sent() -> None:
    """JSON can say `\\ud800`, which is no text that UTF-8 has."""
    error = AvatarError("bad_file", "a.json: name is '\ud800'.", "Mend it.")
    assert error.message == r"a.json: name is '\ud800'."
    assert wire.encode(wire.Envelope("error", {"message": error.message}))
