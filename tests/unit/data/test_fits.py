"""Data of one head and size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.data.fits import check_data, check_frame
from backend.head import Head
from shared.errors import AvatarError
from shared.flame import Track
from tests.fakes.drawn_clips import DrawnClips


def test_data_of_flame_2020_is_taken_by_both_files_that_hold_it():
    data, head = DrawnClips(), Head.load("open")
    clip = data.clips("train")[0]
    frame = data.read(clip, data.frames(clip)[0])
    frame = replace(frame, track=replace(Track.neutral(1), head="flame2020"))
    data.head = "flame2020"
    for name in ("flame2020", "flame_with_eye"):
        check_data(data, replace(head, name=name), "a preset", data.image_size)
        check_frame(frame, replace(head, name=name))
    other = replace(head, name="flame2023")
    with pytest.raises(AvatarError, match=r"is of the head 'flame2020'.*takes data of 'flame2023'"):
        check_data(data, other, "a preset", data.image_size)
    with pytest.raises(AvatarError, match="tracked with the head 'flame2020'; loaded is 'flame2"):
        check_frame(frame, other)
