"""Who is driven by what: tasks, protocols, limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.data.frame import Frame
from backend.evaluation.plan import plan
from shared.errors import AvatarError


class Clips:
    """A data set of names only."""

    head, image_size = "open", 64

    def __init__(self, **frames: int) -> None:
        self._frames = frames

    def splits(self) -> Sequence[str]:
        return ("test",)

    def clips(self, split: str) -> Sequence[str]:
        return sorted(self._frames)

    def frames(self, clip: str) -> Sequence[int]:
        return range(5, 5 + self._frames[clip])

    def read(self, clip: str, index: int) -> Frame:
        raise NotImplementedError


def test_the_first_frame_drives_no_one_and_is_the_source():
    tasks = plan(Clips(a=3, b=2, c=2), "test", None).tasks
    own, other = tasks["self"][0], tasks["cross"][0]
    assert (own.clip, own.source, own.drivers) == ("a", ("a", 5), (6, 7))
    assert (other.clip, other.source, other.drivers) == ("a", ("b", 5), (6, 7))
    assert tasks["cross"][2].source == ("a", 5)  # the next after the last is the first


def test_one_task_alone_can_be_asked_for():
    assert list(plan(Clips(a=2, b=2), "test", "cross").tasks) == ["cross"]
    assert list(plan(Clips(a=2), "test", None).tasks) == ["self"]
    with pytest.raises(AvatarError, match="needs two clips"):
        plan(Clips(a=2), "test", "cross")


def test_limits_spread_over_the_clip():
    (shots,) = plan(Clips(a=11), "test", "self", limit=3).tasks["self"]
    assert shots.drivers == (6, 10, 14)


def test_vfhq_has_a_hundred_random_drivers_per_clip_and_says_what_is_missing():
    made = plan(Clips(a=300, b=50), "test", "vfhq")
    counts = {shots.clip: len(set(shots.drivers)) for shots in made.tasks["self"]}
    assert counts == {"a": 100, "b": 49}
    assert made.tasks["cross"][0].drivers == made.tasks["self"][0].drivers
    assert made.deviations[0] == "2 clips instead of 50"
    assert plan(Clips(a=300, c=9), "test", "vfhq").tasks["self"][0] == made.tasks["self"][0]


def test_hdtf_has_230_drivers_of_the_listed_clips(tmp_path: Path):
    listed = tmp_path / "clips.txt"
    listed.write_text("b\na\n")
    data = Clips(a=300, b=300, c=300)
    tasks = plan(data, "test", "hdtf", clip_list=listed).tasks
    assert [(s.clip, len(s.drivers)) for s in tasks["cross"]] == [("a", 230), ("b", 230)]
