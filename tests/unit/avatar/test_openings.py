"""Which Gaussians are a mouth's and an eye's, and whether they have opened."""

from __future__ import annotations

import numpy as np
import torch

from backend.avatar.openings import Opening, eyes_of, mouth_of
from shared.flame import Track


def gaps(pipeline, avatar, opening_of, **pose) -> tuple[Opening, torch.Tensor]:
    """An opening and its gap [2], with units and pose."""
    track = Track.from_arkit(pose.pop("units", {}), betas=avatar.source.betas, **pose)
    cloud = pipeline.drive(avatar, track)
    opening = opening_of(cloud)
    pixels = avatar.camera.project(cloud.means.double().numpy())
    return opening, opening.gap(torch.from_numpy(pixels))


def test_a_mouth_is_told_by_its_regions(pipeline, avatar) -> None:
    cloud = pipeline.drive(avatar, avatar.source)
    mouth = mouth_of(cloud, pipeline.head)
    for members in (mouth.inside > 0, mouth.upper, mouth.lower):
        assert members.sum() > 100
        assert (cloud.layers[members] >= 2).all()
    assert not (mouth.upper & mouth.lower).any()
    assert cloud.means[mouth.upper, 1].mean() > cloud.means[mouth.lower, 1].mean()


def test_a_jaw_that_opens_opens_the_mouth_and_a_turn_does_not(pipeline, avatar) -> None:
    def mouth(cloud):
        return mouth_of(cloud, pipeline.head)

    opening, rest = gaps(pipeline, avatar, mouth)
    inside = opening.inside > 0
    assert (opening.shown(rest, rest) == 1).all()
    _, wide = gaps(pipeline, avatar, mouth, units={"jawOpen": 0.3})
    assert (opening.shown(rest, wide)[inside] < 0.2).all()
    assert (opening.shown(rest, wide)[~inside] == 1).all()
    _, turned = gaps(pipeline, avatar, mouth, transl=[[0.01, 0.0, 0.0]])
    assert (opening.shown(rest, turned) > 0.9).all()


def test_what_a_closed_lid_hides_is_not_told_by_what_showed_there(pipeline, avatar) -> None:
    head = pipeline.head
    closed = (head.v_template[:, 0] > 0).float()  # the subject's left

    def eye(number):
        return lambda cloud: eyes_of(cloud, head, closed)[number]

    left, shut = gaps(pipeline, avatar, eye(0), units={"eyeBlinkLeft": 1.0})
    right, _ = gaps(pipeline, avatar, eye(1))
    _, wide = gaps(pipeline, avatar, eye(0))
    assert not right.inside.any(), "that one is open in the portrait"
    shown = left.shown(shut, wide)
    balls = head.regions["left_eyeball"][pipeline.drive(avatar, avatar.source).vertices.long()]
    hidden = left.inside > 0
    assert (hidden & ~balls).sum() > 100
    assert (shown[hidden] < 0.2).all()
    np.testing.assert_array_equal(shown[~hidden].numpy(), 1)
