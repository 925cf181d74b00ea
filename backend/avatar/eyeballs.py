"""Which of an avatar's Gaussians are its eyes."""

from __future__ import annotations

from torch import Tensor

from backend.head import Head
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians


def of_eyeballs(cloud: Gaussians, head: Head) -> Tensor:
    """[N] bool.

    Args:
        cloud: An avatar's, in any pose.
        head: The head that they lie on.
    """
    own = cloud.layers >= FIRST_EXPRESSION_LAYER
    return own & head.regions["eyeballs"][cloud.vertices.long().clamp_min(0)]
