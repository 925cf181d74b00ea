"""The front: rig, tracking, presets and closing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.avatar.pipeline import Pipeline
from backend.splat import native
from backend.tracking.video import Tracked
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track


def test_the_rig_is_the_persons_own_head(pipeline, avatar, open_head):
    rig = pipeline.rig(avatar)
    vertices = open_head.shape(torch.from_numpy(avatar.source.betas)[None])[0].numpy()
    np.testing.assert_allclose(rig["vertices"], vertices, atol=1e-6)
    assert rig["faces"].dtype == np.int32
    assert rig["expression_deltas"].shape == (52, len(vertices), 3)


def test_a_tracked_photo_has_the_avatars_own_parameters(pipeline, avatar, astronaut):
    """And its face: an avatar's neck is fitted to the skin, too."""
    track = pipeline.track_image(astronaut)
    np.testing.assert_allclose(track.expression, avatar.source.expression, atol=1e-6)
    tracked, own = (
        pipeline.head.shape(torch.from_numpy(np.asarray(betas, np.float32))[None])[0].numpy()
        for betas in (track.betas, avatar.source.betas)
    )
    apart = np.linalg.norm(own - tracked, axis=1)
    inner = [pipeline.head.regions[name].numpy() for name in ("nose", "lips", "lids", "ears")]
    assert max(apart[part].max() for part in inner) < 2e-3, "metres"
    assert apart[pipeline.head.regions["neck"].numpy()].max() > 2e-3


def test_a_clip_moves_an_avatars_head_as_its_own_about_whichever_joint(pipeline, avatar):
    """The clip's identity has a root joint elsewhere; the shoulders have moved meanwhile."""
    head, body = pipeline.head, np.array([[0.0, 0, 0], [0.01, 0, 0]])
    betas = np.zeros_like(avatar.source.betas)
    turn = np.array([[0.1, -0.4, 0.05], [-0.2, 0.3, 0.1]], np.float32)
    shift = np.array([[0.0, 0, 0.01], [0.02, 0.01, 0]], np.float32)
    track = replace(Track.neutral(2), betas=betas, global_orient=turn, transl=shift)
    camera = avatar.camera
    unseen = np.full((2, 478, 2), np.nan)
    moved = pipeline.motion(avatar, Tracked(track, [camera] * 2, [], [], [], unseen, body))
    joints = [head.joints_of(identity)[0] for identity in (betas, avatar.source.betas)]
    assert np.linalg.norm(joints[0] - joints[1]) > 2e-3, "metres"
    own = replace(moved, betas=avatar.source.betas)
    still = replace(track, transl=track.transl - body.astype(np.float32))
    for number in range(2):
        there, here = (head.head_pose_of(t.frame(number)).numpy() for t in (still, own))
        np.testing.assert_allclose(here, there, atol=1e-5)


def test_layers_are_those_of_the_picture(pipeline, avatar):
    turned = replace(avatar.neutral(), global_orient=np.array([[0, 0.2, 0]], np.float32))
    picture = pipeline.picture(avatar, turned, avatar.camera)
    layers = pipeline.layers(avatar, turned, avatar.camera)
    np.testing.assert_array_equal(layers > 0, picture.depth > 0)
    cloud = pipeline.drive(avatar, turned).kept()
    places = _pixels(cloud.means[cloud.among(pipeline.head.regions["nose"])], avatar.camera)
    assert (layers[places[:, 1], places[:, 0]] > 2).all(), "noses are the expression's"
    shoulders = layers[-40:]
    assert (shoulders[shoulders > 0] <= 2).mean() > 0.9, "shoulders are the identity's"


def _pixels(means: torch.Tensor, camera: Camera) -> np.ndarray:
    """[N, 2] whole ones, x first."""
    seen = means.numpy() @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3]
    places = seen @ camera.K.T
    return (places[:, :2] / places[:, 2:]).astype(int)


def test_layers_that_are_switched_off_are_not_seen(pipeline, avatar):
    layers = pipeline.layers(avatar, avatar.source, avatar.camera, frozenset({"gsn"}))
    assert set(np.unique(layers)) <= {0, 1, 2, 3}


def test_an_unknown_preset_is_refused():
    with pytest.raises(AvatarError) as caught:
        Pipeline("grand")
    assert caught.value.code == "bad_request"


@pytest.mark.usefixtures("quick_matte")
def test_a_closed_pipeline_opens_its_tracker_again(astronaut):
    pipeline = Pipeline(device="cpu")
    assert len(pipeline.track_image(astronaut)) == 1
    pipeline.close()
    pipeline.close()
    assert len(pipeline.track_image(astronaut)) == 1
    pipeline.close()


def test_a_pipeline_without_the_fast_rasteriser_says_so_before_any_work(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(native, "LIBRARIES", tmp_path)
    native.load.cache_clear()
    try:
        Pipeline(device="cpu").close()
    finally:
        native.load.cache_clear()
    assert [r.getMessage() for r in caplog.records if "about 40 times as long" in r.getMessage()]
