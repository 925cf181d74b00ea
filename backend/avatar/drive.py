"""An avatar in one frame's pose: all its Gaussians."""

from __future__ import annotations

import dataclasses

import torch

from backend.avatar.file import Avatar
from backend.avatar.loaded import Loaded
from backend.avatar.pose import neck_follows, posed, torso_follows
from backend.model.attributes import COLOURS
from backend.model.union import union
from backend.splat.gaussians import Gaussians
from shared.errors import AvatarError
from shared.flame import Track
from shared.messages import ABLATIONS


def check_made_with(avatar: Avatar, loaded: Loaded) -> None:
    """Refuses an avatar made with another head, preset or network.

    Raises:
        AvatarError: `head_mismatch`.
    """
    for what, found, expected in (
        ("head", avatar.head_hash, loaded.head.hash),
        ("preset", avatar.preset, loaded.preset),
        ("network", avatar.model_hash, loaded.model_hash),
    ):
        if found != expected:
            raise AvatarError(
                "head_mismatch",
                f"The avatar was made with the {what} {found[:12]}; loaded is {expected[:12]}.",
                "Create the avatar again from its portrait.",
            )


def check_frame(frame: Track, ablate: frozenset[str]) -> None:
    """Refuses anything but one frame, and parts that cannot be switched off.

    Raises:
        AvatarError: `bad_request`.
    """
    if unknown := ablate - set(ABLATIONS):
        raise AvatarError(
            "bad_request",
            f"Unknown ablation {sorted(unknown)}; expected some of {sorted(ABLATIONS)}.",
            "Correct the name.",
        )
    if len(frame) != 1:
        raise AvatarError(
            "bad_request",
            f"One frame drives an avatar; the track has {len(frame)}.",
            "Send the frames one by one.",
        )


@torch.no_grad()
def driven(avatar: Avatar, frame: Track, ablate: frozenset[str], loaded: Loaded) -> Gaussians:
    """All Gaussians of one driving frame; masked ones at opacity 0.

    With a neural renderer they keep all features, and shoulders turn with the head, as in its
    training. Without one they have colours only, and the neck bends: shoulders stay.

    Args:
        avatar: Whom to drive, on the network's device.
        frame: One frame; its betas are not used (the avatar keeps its own).
        ablate: Parts to switch off, of `ABLATIONS`.
        loaded: What made the avatar.
    """
    model, head = loaded.model, loaded.head
    own = dataclasses.replace(head.translated(frame), betas=avatar.source.betas)
    shown = avatar.neutral() if "expression" in ablate else own
    vertices = head.vertices_of(shown)
    frames = head.local_frames(vertices)
    layers = model.expression(
        avatar.g0_raw, vertices, frames, avatar.layers, ablate - {"expression"}
    )
    expression = union(None, layers)
    pose = head.head_pose_of(own)
    if loaded.refines:
        return Gaussians.cat([posed(avatar.identity, pose), posed(expression, pose)])
    expression.features = expression.features[:, :COLOURS]
    neck_y = float(head.joints_of(avatar.source.betas)[1, 1])
    torso = head.head_pose_of(avatar.source)
    follow = torso_follows(avatar.identity.means, neck_y)
    rest = head.vertices_of(avatar.neutral())[0]
    bends = neck_follows(rest, neck_y, head.regions["neck"]).select(expression.vertices.long())
    return Gaussians.cat(
        [posed(avatar.identity, pose, follow, torso), posed(expression, pose, bends, torso)]
    )
