"""An avatar as another one's camera sees it keeps its own photo's detail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.evaluation.shown import shown


def test_another_camera_moves_the_picture_and_nothing_in_it(pipeline, avatar) -> None:
    """Ten pixels to the right; a camera in place of the photo's would put the detail beside it."""
    own = shown(pipeline, avatar, avatar.source).astype(int)
    intrinsics = avatar.camera.K.copy()
    intrinsics[0, 2] += 10
    aside = shown(pipeline, avatar, avatar.source, replace(avatar.camera, K=intrinsics)).astype(int)
    middle = (slice(100, 400), slice(100, 400))
    away = np.abs(np.roll(aside, -10, axis=1) - own)[middle]
    assert away.mean() < 1
    assert np.percentile(away, 99) < 12
