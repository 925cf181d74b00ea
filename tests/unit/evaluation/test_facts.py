"""Facts of several people become one report."""

from __future__ import annotations

import json
from pathlib import Path

from backend.evaluation.facts import facts_report


def person(path: Path, full: float, matte: dict[str, float] | None) -> Path:
    holes = {"-20": full, "0": 0.0, "20": 0.4}
    facts = {"readback": {"jawOpen": [0.0, 0.4, full]}, "holes": holes, "matte": matte}
    path.write_text(json.dumps(facts))
    return path


def test_the_report_is_a_mean_over_people(tmp_path: Path):
    paths = [
        person(tmp_path / "a.json", 0.8, {"sad": 1.0, "sad_band": 0.5, "gradient": 0.02}),
        person(tmp_path / "b.json", 0.6, {"sad": 2.0, "sad_band": 1.5, "gradient": 0.04}),
        person(tmp_path / "c.json", 0.7, None),
    ]
    lines = facts_report(paths)
    assert "| jawOpen | 0.00 | 0.40 | 0.70 | 0.08 | 3 |" in lines
    assert any("0.70 at -20, 0.00 at 0, 0.40 at 20" in line for line in lines)
    assert any("2 portraits" in line for line in lines)
    assert any("SAD 1.50 (band 1.00)" in line and "0.030" in line for line in lines)


def test_without_even_backgrounds_nothing_is_said_of_mattes(tmp_path: Path):
    lines = facts_report([person(tmp_path / "a.json", 0.8, None)])
    assert not any("atte" in line for line in lines)
