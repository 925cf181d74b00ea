"""A demo's folder is checked where there is one: SPLITAVATAR_DEMO_OUT names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .conftest import Measured
from .demo_folder import check_demo_folder

FOLDER = os.environ.get("SPLITAVATAR_DEMO_OUT")


@pytest.mark.skipif(
    FOLDER is None, reason="SPLITAVATAR_DEMO_OUT names no folder that a demo has written"
)
def test_the_demos_folder_holds_all_that_it_should(measured: Measured) -> None:
    facts = check_demo_folder(Path(str(FOLDER)))
    measured("demo steps, s", {step["name"]: step["seconds"] for step in facts["steps"]})
    measured("demo read-back", facts["readback"])


def test_a_folder_without_a_report_is_not_taken_for_a_demos(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"demo\.json"):
        check_demo_folder(tmp_path)


def test_a_report_that_lacks_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"blender": "4.5.15", "frames": 60}')
    with pytest.raises(AssertionError, match=r"lacks .*'readback'"):
        check_demo_folder(tmp_path)
