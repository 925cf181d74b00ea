"""Which Gaussians are a mouth's, and whether it has opened."""

from __future__ import annotations

import torch

from backend.avatar.mouth import Mouth
from shared.flame import Track


def test_a_mouth_is_told_by_its_regions(pipeline, avatar) -> None:
    cloud = pipeline.drive(avatar, avatar.source)
    mouth = Mouth.of(cloud, pipeline.head)
    for members in (mouth.inside, mouth.upper, mouth.lower):
        assert members.sum() > 100
        assert (cloud.layers[members] >= 2).all()
    assert not (mouth.upper & mouth.lower).any()
    assert cloud.means[mouth.upper, 1].mean() > cloud.means[mouth.lower, 1].mean()


def test_a_jaw_that_opens_opens_the_mouth_and_a_turn_does_not(pipeline, avatar) -> None:
    def gap(**pose):
        track = Track.from_arkit(pose.pop("units", {}), betas=avatar.source.betas, **pose)
        cloud = pipeline.drive(avatar, track)
        mouth = Mouth.of(cloud, pipeline.head)
        pixels = avatar.camera.project(cloud.means.double().numpy())
        return mouth.gap(torch.from_numpy(pixels))

    rest = gap()
    assert float(Mouth.still(rest, rest)) == 1
    assert float(Mouth.still(rest, gap(units={"jawOpen": 0.3}))) < 0.2
    turned = gap(transl=[[0.01, 0.0, 0.0]])
    assert float(Mouth.still(rest, turned)) > 0.9
