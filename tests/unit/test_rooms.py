"""Files have rooms: hardly any lies loose beside the folders of its side."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("side", "at_most"), [("backend", 6), ("blender_addon", 4)])
def test_few_files_lie_loose(side: str, at_most: int) -> None:
    loose = sorted(path.name for path in (ROOT / side).glob("*.py"))
    assert len(loose) <= at_most, f"loose in {side}: {', '.join(loose)}"
