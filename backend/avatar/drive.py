"""An avatar in one frame's pose: all its Gaussians."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from backend.avatar import binding as bind
from backend.avatar.brows import Brows
from backend.avatar.creases import Creases
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
from shared.binding import PER_GAUSSIAN
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, Track
from shared.messages import ABLATIONS

_STRONG = 0.4
"""Of all units at once: unlike any expression, which is what it is for."""


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
        neck = torch.from_numpy(head.joints_of(betas)[1]).to(rest)
        self._torso_pose = head.head_pose_of(avatar.source)
        up = self._torso_pose[1, :3]  # heights in its frame
        clothes = avatar.clothes_of(avatar.identity)
        self._follow = torso_follows(avatar.identity.means, neck, up, clothes)
        moved = self._moved(head.translated(avatar.source), frozenset())
        own, vertices = union(None, moved.layers), moved.vertices[0]
        self._bends = neck_follows(own.means, neck, up, head.regions["neck"][own.vertices.long()])
        self._lids = Lids.of(own, vertices, rest, head, betas)
        raised = Brows.raised(head, betas)
        self._folds = Folds(own, vertices, rest, head, self._lids.closed, raised)
        sites = bind.sites(loaded.model.config, head)
        self._creases = Creases(sites, vertices, rest, head, betas)
        self._growth = Growth(vertices, head)
        self._mouth = MouthLight(own, vertices, rest, head)

    @property
    def closed_lids(self) -> Tensor:
        """[V] 0..1, see `Lids.closed`; only without a neural renderer."""
        return self._lids.closed

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
        moved = self._moved(shown, ablate)
        expression, vertices = union(None, moved.layers), moved.vertices[0]
        pose = head.head_pose_of(own)
        if self._loaded.refines:
            return Gaussians.cat([posed(avatar.identity, pose), posed(expression, pose)])
        expression.features = expression.features[:, :COLOURS]
        unfolded = self._folds.coloured(expression, vertices)
        expression = self._lids.coloured(unfolded, vertices)
        expression = self._creases.coloured(expression, vertices)
        expression = self._mouth.coloured(expression, vertices)
        expression = self._growth.grown(expression, vertices)
        bends = self._bends.first(len(expression))
        planes = posed(avatar.identity, pose, self._follow, self._torso_pose)
        return Gaussians.cat([planes, posed(expression, pose, bends, self._torso_pose)])

    @torch.no_grad()
    def binding(self) -> dict[str, np.ndarray] | None:
        """What moves the avatar without this backend (`shared.binding`), on its own mesh.

        None where the network adds to what the mesh does, or where no part of the head is still.
        """
        avatar, head, config = self.avatar, self._loaded.head, self._loaded.model.config
        if self._loaded.refines:
            return None
        rest = self._moved(avatar.neutral(), frozenset())
        strong = Track.neutral(1, betas=avatar.source.betas, head=avatar.source.head)
        strong.expression[:, : len(ARKIT_NAMES)] = _STRONG
        anchors = bind.still_vertices(head, rest.vertices[0], avatar.source.betas)
        other = self._moved(head.translated(strong), frozenset())
        if anchors is None or not bind.is_bound(config, rest, other):
            return None
        planes = bind.bound_identity(avatar.identity)
        skin = bind.bound_expression(rest, config, head)
        before, count = len(avatar.identity), len(skin["vertices"])
        own = self._lids.binding(count) | self._folds.binding(count) | self._mouth.binding(count)
        shared = {name: own.pop(name) for name in list(own) if name not in PER_GAUSSIAN}
        return bind.as_arrays(
            {name: torch.cat([planes[name], skin[name]]) for name in skin}
            | {name: _after(before, value) for name, value in own.items()}
            | shared
            | self._creases.binding()
            | self._growth.binding()
            | {
                "shares": torch.cat([self._follow.share, self._bends.share]),
                "slopes": torch.cat([self._follow.slope, self._bends.slope]),
                "neighbours": head.neighbours,
                "torso_pose": self._torso_pose,
                "anchors": torch.tensor(anchors),
            }
        )

    def _moved(self, shown: Track, ablate: frozenset[str]) -> bind.Moved:
        """What the network makes of one frame, unrotated."""
        avatar, head = self.avatar, self._loaded.head
        vertices = head.vertices_of(shown)
        frames = head.local_frames(vertices)
        model = self._loaded.model
        without = ablate - {"expression"}
        layers = model.expression(avatar.g0_raw, vertices, frames, avatar.layers, without)
        return bind.Moved(layers, vertices, frames)


def _after(count: int, values: Tensor) -> Tensor:
    """Values of expression Gaussians, behind zeros for `count` identity Gaussians."""
    return torch.cat([values.new_zeros(count, *values.shape[1:]), values])
