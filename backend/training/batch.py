"""Pairs of frames as tensors, ready for the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.data.fits import check_frame
from backend.data.frame import Frame, Pair
from backend.head import Head
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import BETAS_SIZE

_CODES = ("expression", "jaw_pose", "leye_pose", "reye_pose")


@dataclass(frozen=True)
class Batch:
    """B pairs.

    Args:
        pairs: Where the rest comes from.
        source_images: [B, 3, S, S] display sRGB 0..1 on black.
        source_cameras: Of the source images.
        vertices: [B, V, 3] driving heads with the source's identity, metres, head pose excluded.
        frames: [B, V, 3, 3] their local frames.
        target_images: [B, 3, S, S] as `source_images`.
        alphas: [B, S, S] the targets' mattes 0..1; None where a frame has none.
        target_cameras: Of the target images.
        boxes: [B, 4] the targets' head boxes, 0..1 of the picture.
    """

    pairs: tuple[Pair, ...]
    source_images: Tensor
    source_cameras: tuple[Camera, ...]
    vertices: Tensor
    frames: Tensor
    target_images: Tensor
    alphas: Tensor | None
    target_cameras: tuple[Camera, ...]
    boxes: Tensor


def collate(
    pairs: Sequence[Pair],
    head: Head,
    device: str | torch.device = "cpu",
    driver_shape: str = "source",
) -> Batch:
    """Pairs to a batch.

    Args:
        pairs: At least one, all pictures of one size.
        head: The head that the frames' parameters belong to, on any device.
        device: Where the tensors go.
        driver_shape: Whose identity poses the head: the `source`'s, or the `target`'s, which is
            what the baseline trains with (baseline.md, Q6).

    Raises:
        AvatarError: `head_mismatch` for another head's parameters, `bad_file` for a camera or a box
            of numbers that are not finite, naming clip and frame.
    """
    for pair in pairs:
        for frame in pair:
            _check(frame, head)
    vertices = _vertices(pairs, head, driver_shape)
    local_frames = head.local_frames(vertices)
    mattes = [pair.target.alpha for pair in pairs]
    known = [matte for matte in mattes if matte is not None]
    alphas = torch.from_numpy(np.stack(known)) / 255 if len(known) == len(pairs) else None
    return Batch(
        pairs=tuple(pairs),
        source_images=_images([pair.source for pair in pairs]).to(device),
        source_cameras=tuple(pair.source.camera for pair in pairs),
        vertices=vertices.to(device),
        frames=local_frames.to(device),
        target_images=_images([pair.target for pair in pairs]).to(device),
        alphas=None if alphas is None else alphas.to(device),
        target_cameras=tuple(pair.target.camera for pair in pairs),
        boxes=torch.from_numpy(np.stack([pair.target.box for pair in pairs])).float().to(device),
    )


def _images(frames: Sequence[Frame]) -> Tensor:
    stacked = torch.from_numpy(np.stack([frame.image for frame in frames]))
    return stacked.permute(0, 3, 1, 2).float() / 255  # [B, 3, S, S]


@torch.no_grad()
def _vertices(pairs: Sequence[Pair], head: Head, driver_shape: str) -> Tensor:
    shapes = [getattr(pair, driver_shape).track.betas for pair in pairs]
    betas = np.zeros((len(pairs), BETAS_SIZE), np.float32)
    for row, shape in zip(betas, shapes, strict=True):
        if shape is not None:
            row[: shape.size] = shape.reshape(-1)
    codes = (np.concatenate([getattr(p.target.track, name) for p in pairs]) for name in _CODES)
    tensors = [torch.tensor(array).to(head.v_template) for array in (betas, *codes)]
    return head.vertices(*tensors)


def _check(frame: Frame, head: Head) -> None:
    check_frame(frame, head)
    where = f"Frame {frame.index} of clip {frame.clip!r}"
    if not all(np.isfinite(v).all() for v in (frame.camera.viewmat, frame.camera.K, frame.box)):
        raise AvatarError(
            "bad_file",
            f"{where} has a camera or a box that is not of finite numbers.",
            "Prepare that clip again, or leave it out of the splits.",
        )
