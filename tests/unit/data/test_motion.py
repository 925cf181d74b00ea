"""Head motion moved into the camera shows the very same picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.data.motion import camera_motion
from backend.head import Head
from shared.camera import Camera, portrait_intrinsics
from shared.flame import Track


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


def moving(seed: int, neck: bool) -> tuple[Track, Camera]:
    rng = np.random.default_rng(seed)
    weights = np.zeros((1, 100))
    weights[0, :52] = rng.random(52) * 0.5
    track = Track.neutral(
        1,
        expression=weights,
        betas=np.concatenate([rng.normal(0, 1, 20), np.zeros(280)]),
        jaw_pose=rng.normal(0, 0.1, (1, 3)),
        leye_pose=rng.normal(0, 0.2, (1, 3)),
        global_orient=rng.normal(0, 0.5, (1, 3)),
        neck_pose=rng.normal(0, 0.3, (1, 3)) if neck else np.zeros((1, 3)),
        transl=rng.normal(0, 0.1, (1, 3)),
    )
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[:3, 3] = [0.02, -0.01, 1.8]
    return track, Camera(viewmat, portrait_intrinsics(512), 512, 512)


@pytest.mark.parametrize("seed", range(5))
def test_both_ways_project_posed_vertices_to_the_same_pixels(head: Head, seed: int) -> None:
    track, camera = moving(seed, neck=True)
    still, moved = camera_motion(head, track, camera)
    vertices = head.vertices_of(track)[0].double().numpy()
    pose = head.head_pose_of(track).double().numpy()
    expected = camera.project(vertices @ pose[:3, :3].T + pose[:3, 3])
    found = moved.project(head.vertices_of(still)[0].double().numpy())
    # Float32 poses of the head itself are good to some 1e-3 px; see the next test.
    assert np.abs(found - expected).max() < 2e-3
    for name in ("global_orient", "neck_pose", "transl"):
        assert not getattr(still, name).any()
    assert np.array_equal(still.expression, track.expression)


@pytest.mark.parametrize("seed", range(5))
def test_in_float64_skinning_and_moved_camera_agree_to_float32_of_the_track(
    head: Head, seed: int
) -> None:
    track, camera = moving(seed, neck=False)
    still, moved = camera_motion(head, track, camera)

    def posed(shown: Track) -> np.ndarray:
        names = ("expression", "global_orient", "neck_pose", "jaw_pose")
        names += ("leye_pose", "reye_pose", "transl")
        values = [torch.from_numpy(getattr(shown, name)).double() for name in names]
        assert shown.betas is not None
        betas = torch.from_numpy(shown.betas)[None].double()
        return _double(head).lbs(betas, *values)[0].numpy()

    gap = np.abs(moved.project(posed(still)) - camera.project(posed(track)))
    assert gap.max() < 3e-4  # pixels; the track itself is float32


def _double(head: Head) -> Head:
    from dataclasses import replace

    names = ("v_template", "shapedirs", "exprdirs", "J_regressor", "lbs_weights")
    return replace(head, **{name: getattr(head, name).double() for name in names})
