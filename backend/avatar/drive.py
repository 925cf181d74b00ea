"""An avatar in one frame's pose: all its Gaussians."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from backend.avatar.file import Avatar
from backend.avatar.folds import Folds
from backend.avatar.growth import Growth
from backend.avatar.lids import Lids
from backend.avatar.loaded import Loaded
from backend.avatar.mouth_light import MouthLight
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


class Actor:
    """An avatar ready to be driven, with what stays the same from frame to frame.

    Args:
        avatar: Whom to drive, on the network's device.
        loaded: What made the avatar.
    """

    @torch.no_grad()
    def __init__(self, avatar: Avatar, loaded: Loaded) -> None:
        self.avatar, self._loaded = avatar, loaded
        if loaded.refines:
            return
        head, betas = loaded.head, avatar.source.betas
        rest = head.vertices_of(avatar.neutral())[0]
        neck_y = float(head.joints_of(betas)[1, 1])
        self._torso_pose = head.head_pose_of(avatar.source)
        self._follow = torso_follows(avatar.identity.means, neck_y)
        self._bends = neck_follows(rest, neck_y, head.regions["neck"])
        own, vertices = self._expression(head.translated(avatar.source), frozenset())
        self._lids = Lids.of(own, vertices, rest, head, betas)
        self._folds = Folds(own, vertices, rest, head)
        self._growth = Growth(vertices, head)
        self._mouth = MouthLight(own, vertices, rest, head)

    @torch.no_grad()
    def driven(self, frame: Track, ablate: frozenset[str]) -> Gaussians:
        """All Gaussians of one driving frame; masked ones at opacity 0.

        With a neural renderer they keep all features, and shoulders turn with the head, as in its
        training. Without one they have colours only, and the neck bends: shoulders stay.

        Args:
            frame: One frame; its betas are not used (the avatar keeps its own).
            ablate: Parts to switch off, of `ABLATIONS`.
        """
        avatar, head = self.avatar, self._loaded.head
        own = dataclasses.replace(head.translated(frame), betas=avatar.source.betas)
        shown = avatar.neutral() if "expression" in ablate else own
        expression, vertices = self._expression(shown, ablate)
        pose = head.head_pose_of(own)
        if self._loaded.refines:
            return Gaussians.cat([posed(avatar.identity, pose), posed(expression, pose)])
        expression.features = expression.features[:, :COLOURS]
        unfolded = self._folds.coloured(expression, vertices)
        expression = self._lids.coloured(unfolded, vertices)
        expression = self._mouth.coloured(expression, vertices)
        expression = self._growth.grown(expression, vertices)
        bends = self._bends.select(expression.vertices.long())
        planes = posed(avatar.identity, pose, self._follow, self._torso_pose)
        return Gaussians.cat([planes, posed(expression, pose, bends, self._torso_pose)])

    def _expression(self, shown: Track, ablate: frozenset[str]) -> tuple[Gaussians, Tensor]:
        """Expression Gaussians of one frame, unrotated; and the mesh [V, 3] they lie on."""
        avatar, head = self.avatar, self._loaded.head
        vertices = head.vertices_of(shown)
        frames = head.local_frames(vertices)
        without = ablate - {"expression"}
        model = self._loaded.model
        layers = model.expression(avatar.g0_raw, vertices, frames, avatar.layers, without)
        return union(None, layers), vertices[0]
