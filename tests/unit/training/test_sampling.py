"""Pairs follow from seed and number alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from backend.data.frame import Frame
from backend.training.sampling import TrainingPairs, validation_names
from shared.errors import AvatarError


class Clips:
    """A data set whose frames cannot be read."""

    head = "open"
    image_size = 64

    def __init__(self, splits: dict[str, dict[str, list[int]]]) -> None:
        self._splits = splits

    def splits(self) -> Sequence[str]:
        return list(self._splits)

    def clips(self, split: str) -> Sequence[str]:
        return sorted(self._splits[split])

    def frames(self, clip: str) -> Sequence[int]:
        return next(clips[clip] for clips in self._splits.values() if clip in clips)

    def read(self, clip: str, index: int) -> Frame:
        raise NotImplementedError


CLIPS = Clips({"train": {"a": [0, 5, 10], "b": [2, 3]}, "val": {"c": [1, 4, 9], "d": [7]}})


def test_every_frame_is_a_target_once_per_epoch_and_its_source_is_another_of_its_clip():
    pairs = TrainingPairs(CLIPS, "train", 0)
    for epoch in range(20):
        names = [pairs.names(epoch * 5 + place) for place in range(5)]
        assert Counter((clip, target) for clip, _, target in names) == Counter(
            {("a", 0): 1, ("a", 5): 1, ("a", 10): 1, ("b", 2): 1, ("b", 3): 1}
        )
        assert all(source != target for _, source, target in names)


def test_every_other_frame_comes_up_as_source():
    pairs = TrainingPairs(CLIPS, "train", 0)
    seen = {name for name in map(pairs.names, range(400)) if name[0] == "a"}
    assert len(seen) == 6


def test_pairs_depend_on_the_seed_and_on_nothing_that_was_asked_before():
    ordered = TrainingPairs(CLIPS, "train", 3)
    first = [ordered.names(number) for number in range(60)]
    backwards = TrainingPairs(CLIPS, "train", 3)
    assert [backwards.names(number) for number in reversed(range(60))] == first[::-1]
    other = TrainingPairs(CLIPS, "train", 4)
    assert [other.names(number) for number in range(60)] != first


def test_sources_can_be_bounded_to_a_clips_first_frames():
    pairs = TrainingPairs(CLIPS, "train", 0, sources=2)
    sources = {(clip, source) for clip, source, _ in map(pairs.names, range(200))}
    assert sources == {("a", 0), ("a", 5), ("b", 2), ("b", 3)}


def test_validation_is_spread_over_the_clips_and_starts_from_their_first_frames():
    data = Clips({"val": {"c": [1, 4, 9], "d": [7], "e": [0, 2]}})
    names = validation_names(data, "val", 2)
    assert [(clip, source) for clip, source, _ in names] == [("c", 1), ("e", 0)]
    assert len(validation_names(data, "val", 99)) == 3
    assert validation_names(data, "val", 2) == names


def test_a_clip_of_one_frame_is_named():
    with pytest.raises(AvatarError, match="fewer than two frames: d"):
        TrainingPairs(CLIPS, "val", 0)


@pytest.mark.parametrize("split", ["test", "empty"])
def test_an_empty_or_missing_split_is_named_with_those_there_are(split: str):
    data = Clips({"train": {"a": [0, 1]}, "empty": {}})
    with pytest.raises(AvatarError, match=f"no clips in a split '{split}'; its splits are train"):
        TrainingPairs(data, split, 0)
