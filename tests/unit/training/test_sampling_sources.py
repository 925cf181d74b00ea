"""With `sources_per_clip`, sources are a clip's first frames."""

from __future__ import annotations

from typing import Any

from backend.training.sampling import TrainingPairs


class Clips:
    """Two clips whose frames read as their own names."""

    head = "open"
    image_size = 64

    def splits(self):
        return ["train"]

    def clips(self, split):
        return ["a", "b"]

    def frames(self, clip):
        return {"a": [0, 5, 10, 15], "b": [2, 3]}[clip]

    def read(self, clip, index) -> Any:
        return clip, index


def test_sources_are_among_a_clips_first_frames_and_never_the_target():
    pairs = TrainingPairs(Clips(), "train", seed=0, sources=2)
    names = [pairs.names(number) for number in range(300)]
    assert {(clip, source) for clip, source, _ in names} == {("a", 0), ("a", 5), ("b", 2), ("b", 3)}
    assert all(source != target for _, source, target in names)
    assert {target for clip, _, target in names if clip == "a"} == {0, 5, 10, 15}


def test_all_sources_to_come_can_be_read_beforehand():
    few = TrainingPairs(Clips(), "train", seed=0, sources=2)
    assert list(few.sources()) == [("a", 0), ("a", 5), ("b", 2), ("b", 3)]
    everything = TrainingPairs(Clips(), "train", seed=0)
    assert len(list(everything.sources())) == 6


def test_a_single_source_is_the_first_frame_and_never_a_target():
    pairs = TrainingPairs(Clips(), "train", seed=0, sources=1)
    assert len(pairs) == 4
    names = [pairs.names(number) for number in range(100)]
    assert {(clip, source) for clip, source, _ in names} == {("a", 0), ("b", 2)}
    assert {target for _, _, target in names} == {5, 10, 15, 3}
    assert list(pairs.sources()) == [("a", 0), ("b", 2)]
