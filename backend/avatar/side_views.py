"""What an avatar showed from the sides before it was personalised, so that it keeps it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera

_YAWS_DEG = (-25.0, 25.0)
_SIZE_PX = 256


class SideViews:
    """Pictures from both sides, and how much of each pixel the portrait itself does not show.

    One picture tells an outline's colour, but not which of the many Gaussians behind each other
    there has it: from the sides each of them shows by itself.

    Args:
        cloud: The avatar before its first step, colours only.
        hidden: [N] 0..1 of each Gaussian: 1 where the portrait shows nothing of it.
        camera: The portrait's.
        center: [3] the head's middle, metres.
    """

    def __init__(
        self, cloud: Gaussians, hidden: Tensor, camera: Camera, center: np.ndarray
    ) -> None:
        marked = replace(cloud, features=torch.cat([cloud.features, hidden[:, None]], dim=-1))
        self._views: list[tuple[Camera, Tensor, Tensor]] = []
        with torch.no_grad():
            for yaw in _YAWS_DEG:
                aside = _turned(camera, center, yaw).resized(_SIZE_PX, _SIZE_PX)
                seen = rasterise(marked, aside).features
                self._views.append((aside, seen[..., :-1], seen[..., -1:]))

    def loss(self, cloud: Gaussians, step: int) -> Tensor:
        """Mean difference of what the portrait hides, from one side after the other."""
        camera, before, weight = self._views[step % len(self._views)]
        now = rasterise(cloud, camera, mask_gradient=True).features
        return (weight * (now - before).abs()).mean()


def _turned(camera: Camera, center: np.ndarray, yaw_deg: float) -> Camera:
    """The camera on a circle about the head."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("y", yaw_deg, degrees=True).as_matrix()
    turn[:3, 3] = center - turn[:3, :3] @ center
    return replace(camera, viewmat=camera.viewmat @ turn)
