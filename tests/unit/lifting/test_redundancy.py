"""Children that nothing shows are masked; a mouth's, which lips uncover in their own ways, not."""

from __future__ import annotations

from backend.splat.gaussians import FIRST_EXPRESSION_LAYER


def test_what_is_never_seen_is_masked_and_a_mouth_is_there(pipeline, avatar) -> None:
    cloud, regions = pipeline.drive(avatar, avatar.source), pipeline.head.regions
    children = cloud.layers > FIRST_EXPRESSION_LAYER  # G0 has no masks
    there = cloud.opacities[children] > 0
    of = cloud.vertices[children].long()
    for name in ("teeth_upper", "teeth_lower", "mouth_interior"):
        assert there[regions[name][of]].float().mean() > 0.98, name
    assert there[regions["eye_sockets"][of]].float().mean() < 0.5
    assert 0.4 < there.float().mean() < 0.9
