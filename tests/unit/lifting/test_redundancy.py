"""Children that nothing shows are masked; teeth, which lips uncover in their own ways, are not."""

from __future__ import annotations

from backend.splat.gaussians import FIRST_EXPRESSION_LAYER


def test_what_is_never_seen_is_masked_and_teeth_are_there(pipeline, avatar) -> None:
    cloud, regions = pipeline.drive(avatar, avatar.source), pipeline.head.regions
    children = cloud.layers > FIRST_EXPRESSION_LAYER  # G0 has no masks
    there = cloud.opacities[children] > 0
    of = cloud.vertices[children].long()
    teeth = regions["teeth_upper"] | regions["teeth_lower"]
    assert there[teeth[of]].float().mean() > 0.99
    assert there[regions["mouth_interior"][of]].float().mean() < 0.9
    assert 0.4 < there.float().mean() < 0.9
