"""Text in panels is broken into lines that fit."""

import pytest

from blender_addon.ui import text


def test_lines_are_as_full_as_their_room_and_lose_no_word() -> None:
    said = "The avatar file of 'Ada' is missing. Choose its place under Avatar File, please."
    found = text.lines(said, 26, len)
    assert " ".join(found) == said
    assert found[0] == "The avatar file of 'Ada'"
    assert max(map(len, found)) <= 26


def test_a_path_breaks_behind_its_separators() -> None:
    path = "/home/ada/pictures/of-the-family/grandmother.savatar"
    found = text.lines(path, 25, len)
    assert "".join(found) == path
    assert all(line.endswith("/") for line in found[:-1])


def test_a_word_without_a_place_to_break_is_broken_anywhere() -> None:
    found = text.lines("x" * 100, 30, len)
    assert "".join(found) == "x" * 100
    assert len(found) == 4


class Rows:
    """A layout that remembers its labels."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def column(self, align: bool) -> "Rows":
        return self

    def label(self, text: str, icon: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize("words", [0, 3, 40])
def test_a_fixed_number_of_rows_is_kept_whatever_there_is_to_say(
    words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text.lines, "__defaults__", (len,))
    layout = Rows()
    whole = text.wrapped(layout, "certainly " * words, "ERROR", rows=3, room=30)
    assert len(layout.said) == 3
    assert whole == (words < 40)
    assert layout.said[-1].endswith("...") == (not whole)
