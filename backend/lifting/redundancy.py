"""Which children are never seen from anywhere, so that their masks start closed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from backend.head import Head
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.model.union import union
from backend.splat.blending import blending_weights
from backend.splat.gaussians import Gaussians
from shared.camera import Camera, portrait_intrinsics
from shared.flame import Track

from .layers import DROPPED
from .start import Start

_SIZE_PX = 256
_DISTANCE_M = 1.8
_YAWS_DEG = (0, 45, 90, 135, 180, 225, 270, 315)
_PITCHES_DEG = (-25, 25)
_KEPT = ("teeth_upper", "teeth_lower", "mouth_interior")
_SEEN = 0.02  # blending weight, summed over a picture's pixels
_EXPRESSIONS: tuple[dict[str, float], ...] = (
    {},
    {"jawOpen": 0.8, "mouthUpperUpLeft": 0.6, "mouthUpperUpRight": 0.6},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.2},
    {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0, "eyeWideLeft": 1.0, "eyeWideRight": 1.0},
    {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0, "eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0},
)


def drop_redundant(model: SplitAvatar, encoded: Encoded, begin: Start, head: Head) -> None:
    """Lowers the mask residual of children that no view of any expression shows; a mouth's stay.

    Args:
        model: The network.
        encoded: What it made of the portrait.
        begin: Where personalisation starts; its mask residuals are changed in place.
        head: The head.

    Source: Sec. 3.4 (redundant Gaussians are gated); which ones an untrained gate closes is ours.
    """
    best: Tensor | None = None
    for index, weights in enumerate(_EXPRESSIONS):
        shown = replace(head.translated(Track.from_arkit(weights)), betas=begin.betas)
        vertices = head.vertices_of(shown)
        cloud = _children(model, encoded, begin, head, vertices)
        for camera in _cameras(around=index == 0):
            seen = blending_weights(cloud, camera)
            best = seen if best is None else torch.maximum(best, seen)
    assert best is not None
    # Lips uncover a mouth in more ways than these; where part of it is missing there is a hole.
    kept = torch.stack([head.regions[name] for name in _KEPT]).any(0).to(best.device)
    start = model.vertices  # G0 has no mask
    for layer in begin.personal.layers[1:]:
        assert layer.mask is not None
        count = len(layer.mask)
        unseen = best[start : start + count] < _SEEN
        layer.mask[unseen & ~kept.repeat_interleave(count // len(kept))] = DROPPED
        start += count


def _children(
    model: SplitAvatar, encoded: Encoded, begin: Start, head: Head, vertices: Tensor
) -> Gaussians:
    """G0..GL at a pose."""
    frames = head.local_frames(vertices)
    own = begin.personal.layers
    with torch.no_grad():
        raw = model.expression_raw(encoded.g0_raw, vertices, frames, own)
        return union(None, model.assemble(raw, own, vertices, frames, channels=3))


def _cameras(around: bool) -> list[Camera]:
    views = [(yaw, 0) for yaw in _YAWS_DEG] if around else [(0, 0)]
    views += [(0, pitch) for pitch in _PITCHES_DEG]
    return [_camera(np.radians(yaw), np.radians(pitch)) for yaw, pitch in views]


def _camera(yaw: float, pitch: float) -> Camera:
    """A portrait camera on a circle about the head."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(pitch), np.sin(pitch)
    nod = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    viewmat = np.eye(4)
    viewmat[:3, :3] = np.diag([1.0, -1.0, -1.0]) @ nod @ turn
    viewmat[2, 3] = _DISTANCE_M
    return Camera(viewmat, portrait_intrinsics(_SIZE_PX), _SIZE_PX, _SIZE_PX)
