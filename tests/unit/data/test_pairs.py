"""Pairs and protocols on a data set of names only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from backend.data.frame import Frame
from backend.data.pairs import PairName, cross_pairs, read_pair, self_pairs
from backend.data.protocols import VFHQ, Protocol, hdtf
from shared.camera import Camera, portrait_intrinsics
from shared.errors import AvatarError
from shared.flame import Track


class Names:
    """A data set whose pictures are blank."""

    head, image_size = "open", 8

    def __init__(self, **clips: Sequence[int]) -> None:
        self._clips = clips

    def splits(self) -> Sequence[str]:
        return ("train", "test")

    def clips(self, split: str) -> Sequence[str]:
        return sorted(self._clips)

    def frames(self, clip: str) -> Sequence[int]:
        return tuple(self._clips[clip])

    def read(self, clip: str, index: int) -> Frame:
        camera = Camera(np.eye(4), portrait_intrinsics(8), 8, 8)
        return Frame(
            clip, index, np.zeros((8, 8, 3), np.uint8), camera, Track.neutral(), np.zeros(4)
        )


def names(pairs: Sequence[PairName]) -> list[str]:
    return [f"{s.clip}{s.number}->{t.clip}{t.number}" for s, t in pairs]


def test_self_reenactment_starts_from_the_first_frame() -> None:
    some = names(list(self_pairs(Names(b=[5, 10, 15], a=[0, 2], c=[7]), "test")))
    assert some == ["a0->a2", "b5->b10", "b5->b15"]


def test_cross_reenactment_takes_the_next_clips_first_frame_cyclically() -> None:
    some = names(list(cross_pairs(Names(b=[5, 10, 15], a=[0, 2], c=[7, 8]), "test")))
    assert some == ["b5->a2", "c7->b10", "c7->b15", "a0->c8"]


def test_a_pair_is_read_by_its_names() -> None:
    data = Names(a=[0, 2], b=[5, 10])
    for names_of_pair in cross_pairs(data, "test"):
        pair = read_pair(data, names_of_pair)
        assert (pair.source.clip, pair.source.index) == names_of_pair.source
        assert (pair.target.clip, pair.target.index) == names_of_pair.target


def test_cross_reenactment_of_one_clip_is_refused() -> None:
    with pytest.raises(AvatarError, match="needs two clips; the split 'test' has 1"):
        list(cross_pairs(Names(a=[0, 2]), "test"))


def test_vfhq_is_fifty_clips_of_a_hundred_fixed_frames() -> None:
    data = Names(**{f"clip{i:02}": range(10, 200 + i) for i in range(50)})
    assert VFHQ.deviations(data) == []
    pairs = VFHQ.pairs(data)
    assert pairs == VFHQ.pairs(data)
    assert len(pairs) == 5000
    assert {p.source.number for p in pairs} == {10}
    per_clip = Counter(p.target for p in pairs)
    assert set(per_clip.values()) == {1}
    assert Counter(p.target.clip for p in pairs) == {f"clip{i:02}": 100 for i in range(50)}
    crossed = VFHQ.pairs(data, cross=True)
    assert [p.target for p in crossed] == [p.target for p in pairs]
    assert all(p.source.clip != p.target.clip for p in crossed)


def test_a_clips_frames_do_not_depend_on_the_other_clips() -> None:
    few, many = Names(b=range(300)), Names(a=range(300), b=range(300))
    assert VFHQ.pairs(few) == tuple(p for p in VFHQ.pairs(many) if p.target.clip == "b")


def test_what_differs_from_the_protocol_is_said() -> None:
    data = Names(a=range(101), b=range(100))
    assert VFHQ.deviations(data) == [
        "2 clips instead of 50",
        "1 clips have fewer than 100 frames besides the source's",
    ]
    assert len(VFHQ.pairs(data)) == 199


@pytest.mark.parametrize("form", ["text", "json"])
def test_hdtf_takes_the_listed_clips(tmp_path: Path, form: str) -> None:
    path = tmp_path / "list"
    path.write_text("b\na\n" if form == "text" else json.dumps(["b", "a"]))
    data = Names(a=range(400), b=range(400), zz=range(400))
    pairs = hdtf(path).pairs(data)
    assert Counter(p.target.clip for p in pairs) == {"a": 230, "b": 230}
    assert {p.source.clip for p in hdtf(path).pairs(data, cross=True)} == {"a", "b"}
    with pytest.raises(AvatarError, match=r"1 of the 2 clips that the hdtf list names.*: a"):
        hdtf(path).pairs(Names(b=range(4)))


def test_hdtf_without_its_list_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="needs the list of OTAvatar's test clips"):
        hdtf(None)
    (tmp_path / "empty").write_text("")
    with pytest.raises(AvatarError, match="names no clips"):
        hdtf(tmp_path / "empty")
    with pytest.raises(AvatarError, match="not a readable list"):
        hdtf(tmp_path / "none")


def test_protocols_are_what_the_paper_says() -> None:
    assert (VFHQ.clips, VFHQ.frames, VFHQ.split) == (50, 100, "test")
    assert Protocol("hdtf", None, 230).frames == 230
