"""Avatar and frame to Gaussians: what moves, what is ablated, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

from backend.avatar.file import Avatar
from shared.errors import AvatarError
from shared.flame import Track
from tests.fakes.misaligned import misaligned

JAW = {"jawOpen": 0.8}
G0 = 2  # value of `layers` for G0


def turned(yaw_deg: float, pitch_deg: float = 0.0) -> Track:
    turn = np.radians([[pitch_deg, yaw_deg, 0.0]])
    return dataclasses.replace(Track.neutral(1), global_orient=turn)


def test_an_avatar_consists_of_planes_and_four_layers(pipeline, avatar, open_head):
    cloud = pipeline.drive(avatar, avatar.source)
    vertices = len(open_head.v_template)
    for index in range(4):
        assert int((cloud.layers == G0 + index).sum()) == vertices * 2**index
    identity = cloud.layers < G0
    assert int(identity.sum()) == len(avatar.identity)
    assert (cloud.vertices[identity] == -1).all()
    assert int(cloud.vertices.max()) == vertices - 1
    for name in ("means", "quats", "scales", "opacities", "features"):
        assert bool(torch.isfinite(getattr(cloud, name)).all()), name
    torch.testing.assert_close(cloud.quats.norm(dim=1), torch.ones(len(cloud)), atol=1e-4, rtol=0)
    assert 0 <= float(cloud.features.min()) <= float(cloud.features.max()) <= 1


def test_driving_is_deterministic(pipeline, avatar):
    a, b = (pipeline.drive(avatar, Track.from_arkit(JAW)) for _ in range(2))
    assert torch.equal(a.means, b.means)
    assert torch.equal(a.opacities, b.opacities)


def test_the_same_numbers_at_another_place_in_memory_drive_to_the_same_bytes(pipeline, avatar):
    betas = avatar.source.betas * 50  # small ones are rounded away when the template is added
    avatar = dataclasses.replace(avatar, source=dataclasses.replace(avatar.source, betas=betas))
    moved = dataclasses.replace(avatar, source=misaligned(avatar.source, 12))
    a = pipeline.drive(avatar, avatar.source)
    b = pipeline.drive(moved, misaligned(avatar.source, 12))
    for field in dataclasses.fields(a):
        assert torch.equal(getattr(a, field.name), getattr(b, field.name)), field.name


def test_the_drivers_identity_is_not_used(pipeline, avatar):
    plain = Track.from_arkit(JAW)
    other = dataclasses.replace(plain, betas=np.full(300, 1.0))
    a, b = pipeline.drive(avatar, plain), pipeline.drive(avatar, other)
    assert torch.equal(a.means, b.means)


def test_the_mouth_opens_and_the_planes_stay(pipeline, avatar, open_head):
    closed = pipeline.drive(avatar, avatar.neutral())
    opened = pipeline.drive(avatar, Track.from_arkit(JAW))
    identity = closed.layers < G0
    assert torch.equal(closed.means[identity], opened.means[identity])
    chin = torch.from_numpy(np.isin(closed.vertices.numpy(), moving(open_head)))
    assert float((opened.means[chin, 1] - closed.means[chin, 1]).min()) < -0.01


def moving(head) -> np.ndarray:
    """Vertices that jawOpen moves by more than a centimetre."""
    return np.flatnonzero(head.exprdirs[..., 24].norm(dim=1).numpy() > 0.01)


def test_without_expression_every_frame_is_neutral(pipeline, avatar):
    neutral = pipeline.drive(avatar, avatar.neutral())
    ablated = pipeline.drive(avatar, Track.from_arkit(JAW), frozenset({"expression"}))
    for name in ("means", "quats", "scales", "opacities", "features"):
        assert torch.equal(getattr(neutral, name), getattr(ablated, name)), name


def test_without_expression_the_head_still_turns(pipeline, avatar):
    still = pipeline.drive(avatar, avatar.neutral(), frozenset({"expression"}))
    moved = pipeline.drive(avatar, turned(30), frozenset({"expression"}))
    assert float((still.means - moved.means).norm(dim=1).max()) > 0.02


def test_without_splitting_only_g0_is_left(pipeline, avatar, open_head):
    cloud = pipeline.drive(avatar, avatar.source, frozenset({"gsn"}))
    assert set(cloud.layers.tolist()) == {0, 1, G0}
    assert int((cloud.layers == G0).sum()) == len(open_head.v_template)


def test_without_masks_every_child_is_kept(pipeline, avatar):
    masked = pipeline.drive(avatar, avatar.source)
    every = pipeline.drive(avatar, avatar.source, frozenset({"masks"}))
    assert len(masked) == len(every)
    assert len(every.kept()) > len(masked.kept())
    assert int((every.opacities == 0).sum()) == 0


def test_masks_drop_some_of_the_children_and_not_most(pipeline, avatar):
    cloud = pipeline.drive(avatar, avatar.neutral())
    children = cloud.layers > G0
    dropped = float((cloud.opacities[children] == 0).float().mean())
    assert 0.05 <= dropped <= 0.60


def test_ablations_combine(pipeline, avatar):
    both = frozenset({"expression", "gsn", "masks"})
    cloud = pipeline.drive(avatar, Track.from_arkit(JAW), both)
    assert torch.equal(
        cloud.means, pipeline.drive(avatar, avatar.neutral(), frozenset({"gsn"})).means
    )


def test_an_unknown_ablation_is_refused_by_name(pipeline, avatar):
    with pytest.raises(AvatarError) as caught:
        pipeline.drive(avatar, avatar.source, frozenset({"gsn", "hair"}))
    assert caught.value.code == "bad_request"
    assert "['hair']" in caught.value.message
    assert "'expression', 'gsn', 'masks'" in caught.value.message


@pytest.mark.parametrize("ablate", [frozenset(), frozenset({"expression"})])
def test_codes_of_another_head_are_refused(pipeline, avatar, ablate):
    with pytest.raises(AvatarError) as caught:
        pipeline.drive(avatar, Track.neutral(1, head="flame2020"), ablate)
    assert caught.value.code == "head_mismatch"
    assert "flame2020" in caught.value.message


@pytest.mark.parametrize("length", [0, 2])
def test_one_frame_drives_not_none_or_two(pipeline, avatar, length):
    with pytest.raises(AvatarError) as caught:
        pipeline.drive(avatar, Track.neutral(length))
    assert caught.value.code == "bad_request"
    assert f"the track has {length}" in caught.value.message


@pytest.mark.parametrize(
    ("change", "word"),
    [({"head_hash": "0" * 64}, "head"), ({"preset": "paper"}, "preset"),
     ({"model_hash": "f" * 64}, "network")],
)  # fmt: skip
def test_an_avatar_of_another_head_preset_or_network_is_refused(pipeline, avatar, change, word):
    pipeline.check(avatar)
    with pytest.raises(AvatarError) as caught:
        pipeline.check(dataclasses.replace(avatar, **change))
    assert caught.value.code == "head_mismatch"
    assert f"made with the {word}" in caught.value.message


def test_turning_the_head_leaves_the_chest(pipeline, avatar):
    still, moved = pipeline.drive(avatar, avatar.neutral()), pipeline.drive(avatar, turned(25))
    identity = still.layers < G0
    gap = (still.means - moved.means).norm(dim=1)
    chest = identity & (still.means[:, 1] < -0.25)
    hair = identity & (still.means[:, 1] > 0.05)
    if chest.any():
        assert float(gap[chest].max()) < 1e-5
    assert float(gap[hair].max()) > 0.02


def test_an_avatar_that_was_saved_passes_the_check(pipeline, avatar, tmp_path):
    avatar.save(tmp_path / "me.savatar")
    pipeline.check(Avatar.load(tmp_path / "me.savatar"))


def test_a_neck_that_bends_does_not_part_between_its_rows(pipeline, avatar, open_head):
    """Its skin's neighbours stay together: each splat follows by its own height."""
    neck = open_head.regions["neck"] & (open_head.v_template[:, 2] > 0)
    clouds = [pipeline.drive(avatar, track) for track in (turned(0.0), turned(0.0, -15.0))]
    skin = neck[clouds[0].vertices.long()] & (clouds[0].layers >= G0)
    before, after = (cloud.means[skin] for cloud in clouds)
    _, index = KDTree(before.numpy()).query(before.numpy(), k=2)
    nearest = torch.as_tensor(index)[:, 1]
    apart, were = ((places - places[nearest]).norm(dim=1) for places in (after, before))
    assert skin.sum() > 1000
    assert float((apart / were).quantile(0.999)) < 1.6
