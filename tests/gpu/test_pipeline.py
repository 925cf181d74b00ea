"""The whole pipeline on an NVIDIA GPU equals the CPU's."""

import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.avatar.create import CreateOptions
from backend.avatar.pipeline import Pipeline
from backend.losses.pixels import psnr

pytestmark = pytest.mark.gpu


def test_an_avatar_made_on_the_gpu_looks_like_one_made_on_the_cpu() -> None:
    pictures = []
    for device in ("cuda", "cpu"):
        pipeline = Pipeline(device=device)
        try:
            avatar = pipeline.create(SAMPLE_PORTRAIT.read_bytes(), CreateOptions(iterations=5))
            assert avatar.identity.means.device.type == "cpu"
            cloud = pipeline.drive(avatar, avatar.source)
            assert cloud.means.device.type == device
            pictures.append(pipeline.render(cloud, avatar.camera).rgb)
        finally:
            pipeline.close()
    assert psnr(*pictures) > 35
    assert np.isfinite(pictures[0]).all()
