"""Frames as tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.data.frame import Frame, Pair
from backend.training.batch import collate
from shared.errors import AvatarError
from shared.flame import Track
from tests.fakes.drawn_clips import DrawnClips, open_head


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    data = DrawnClips()
    return [
        Pair(data.read("red", 0), data.read("red", 30)),
        Pair(data.read("blue", 10), data.read("blue", 40)),
    ]


def stout(frame: Frame) -> Frame:
    """The same frame of another identity."""
    betas = np.zeros(300)
    betas[0] = 2.0
    return replace(frame, track=replace(frame.track, betas=betas))


def test_a_batch_holds_pictures_cameras_boxes_and_posed_heads(pairs):
    head = open_head()
    batch = collate(pairs, head)
    assert batch.source_images.shape == batch.target_images.shape == (2, 3, 64, 64)
    expected = torch.from_numpy(pairs[1].target.image).permute(2, 0, 1) / 255
    torch.testing.assert_close(batch.target_images[1], expected)
    assert batch.alphas is not None
    assert float(batch.alphas.max()) <= 1
    assert batch.target_cameras[0] is pairs[0].target.camera
    for row, pair in enumerate(pairs):
        alone = head.vertices_of(pair.target.track)
        torch.testing.assert_close(batch.vertices[row : row + 1], alone, rtol=0, atol=1e-6)
        frames = head.local_frames(alone)
        torch.testing.assert_close(batch.frames[row : row + 1], frames, rtol=0, atol=1e-3)


def test_the_driving_head_has_the_sources_identity_or_the_targets(pairs):
    head = open_head()
    pair = Pair(stout(pairs[0].source), pairs[0].target)
    own = collate([pair], head).vertices
    torch.testing.assert_close(own, head.vertices_of(stout(pair.target).track), rtol=0, atol=1e-6)
    theirs = collate([pair], head, driver_shape="target").vertices
    torch.testing.assert_close(theirs, head.vertices_of(pair.target.track), rtol=0, atol=1e-6)
    assert float((own - theirs).abs().max()) > 1e-3


def test_frames_without_mattes_give_none(pairs):
    bare = Pair(pairs[0].source, replace(pairs[0].target, alpha=None))
    assert collate([bare, pairs[1]], open_head()).alphas is None


def test_another_heads_frame_is_refused_by_name(pairs):
    other = replace(pairs[0].target, track=Track.neutral(1, head="flame2020"))
    with pytest.raises(AvatarError, match="Frame 30 of clip 'red' was tracked with the head"):
        collate([Pair(pairs[0].source, other)], open_head())


def test_a_box_that_is_not_finite_names_clip_and_frame(pairs):
    other = replace(pairs[0].target, box=np.array([0, 0, np.nan, 1], np.float32))
    with pytest.raises(AvatarError, match="Frame 30 of clip 'red'") as found:
        collate([Pair(pairs[0].source, other)], open_head())
    assert found.value.code == "bad_file"
