"""One batch through the network: what training and evaluation share."""

from __future__ import annotations

from collections.abc import Sequence

from backend.model.pictures import Own, Pictures, draw
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.training.batch import Batch


def forward(
    model: SplitAvatar,
    batch: Batch,
    own: Sequence[Own] | None = None,
    *,
    mask_gradient: bool = False,
    ablate: frozenset[str] = frozenset(),
) -> Pictures:
    """Every source doing what its target does, seen by the target's camera.

    Args:
        model: The network.
        batch: From `collate`.
        own: Residuals of every source.
        mask_gradient: As `draw`.
        ablate: As `SplitAvatar.expression`.
    """
    encoded = model.encode(batch.source_images, batch.source_cameras)
    # Mixed precision gives half-precision outputs; Gaussians are made and drawn in full.
    encoded = Encoded(**{name: value.float() for name, value in vars(encoded).items()})
    return draw(
        model,
        encoded,
        batch.source_cameras,
        batch.vertices,
        batch.frames,
        batch.target_cameras,
        own=own,
        mask_gradient=mask_gradient,
        ablate=ablate,
    )
