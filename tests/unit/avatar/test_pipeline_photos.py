"""More photographs, where a folder of them lies on this machine: none is part of this project.

SPLITAVATAR_TEST_PHOTOS names the folder, for example `tests/test_images` of the source archive of
face_recognition 1.3.0 (photographs by the US government).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from backend.avatar.create import CreateOptions
from backend.losses.pixels import psnr, ssim
from shared.errors import AvatarError
from shared.progress import silent

_FOLDER = os.environ.get("SPLITAVATAR_TEST_PHOTOS", "")
_PHOTOS = sorted(p for p in Path(_FOLDER or "-").glob("*.*") if p.suffix in (".jpg", ".png"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _PHOTOS, reason="SPLITAVATAR_TEST_PHOTOS names no folder of photos"),
]


@pytest.mark.parametrize("path", [p for p in _PHOTOS if "partial" not in p.name], ids=str)
def test_a_photo_becomes_an_avatar_that_looks_like_it(pipeline, path):
    portrait = pipeline.tracker.portrait(path.read_bytes(), None, silent)
    assert portrait.fit.error_px <= 3
    avatar = pipeline.create_from(portrait, CreateOptions(iterations=30), silent)
    shown = pipeline.render(pipeline.drive(avatar, avatar.source), avatar.camera)
    assert np.isfinite(shown.rgb).all()
    assert psnr(shown.rgb, portrait.matted, portrait.matte > 0.5) > 28
    assert ssim(shown.rgb, portrait.matted) > 0.93


@pytest.mark.parametrize("path", [p for p in _PHOTOS if "partial" in p.name], ids=str)
def test_a_face_cut_by_the_border_is_refused(pipeline, path):
    with pytest.raises(AvatarError) as caught:
        pipeline.tracker.portrait(path.read_bytes(), None, silent)
    assert caught.value.remedy == "Use a photo that shows the whole face."
