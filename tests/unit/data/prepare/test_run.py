"""Who is in which split."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.data.prepare.run import _splits, read_splits
from backend.data.prepare.sources import held_out
from shared.errors import AvatarError


def test_a_clip_stays_in_its_split_when_others_come() -> None:
    clips = [f"clip{i}" for i in range(1000)]
    test = [clip for clip in clips if held_out(clip, 0.1)]
    assert 60 < len(test) < 140
    fewer = clips[:500]
    assert [clip for clip in fewer if held_out(clip, 0.1)] == [c for c in test if c in fewer]
    assert _splits(["a", "b"], 0.0) == {"train": ["a", "b"]}
    assert _splits(["a", "b"], 1.0) == {"test": ["a", "b"]}


def test_given_splits_leave_out_clips_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text('{"train": ["b", "a"], "test": ["c"]}')
    given = read_splits(path)
    assert _splits(["a", "c"], given) == {"train": ["a"], "test": ["c"]}
    path.write_text('{"train": "b"}')
    with pytest.raises(AvatarError, match="does not map some of"):
        read_splits(path)
    path.write_text('{"train": ["b"], "test": ["b"]}')
    with pytest.raises(AvatarError, match="is in the splits 'train' and 'test'"):
        read_splits(path)
