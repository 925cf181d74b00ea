"""What operators report: whole, once, in lines that a pop-up shows."""

import pytest

from blender_addon import steps
from blender_addon.operators.reports import LINE, report_error
from shared.errors import AvatarError


class Operator:
    def __init__(self) -> None:
        self.reports: list[tuple[set[str], str]] = []

    def report(self, kind: set[str], text: str) -> None:
        self.reports.append((kind, text))


LONG = AvatarError("bad_file", "A long cause " * 300, "And what to do.")


def test_a_script_gets_cause_and_remedy_in_one_line() -> None:
    operator = Operator()
    report_error(operator, LONG)
    assert operator.reports == [({"ERROR"}, f"{LONG.message} {LONG.remedy}")]


def test_a_window_shows_every_word_in_lines_that_are_not_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steps, "without_window", lambda: False)
    operator = Operator()
    report_error(operator, LONG, "WARNING")
    [(kind, text)] = operator.reports
    assert kind == {"WARNING"}
    assert text.split() == f"{LONG.message} {LONG.remedy}".split()
    assert max(map(len, text.splitlines())) <= LINE
