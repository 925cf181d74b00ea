"""One tracked frame of a person, and where frames come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from shared.camera import Camera
from shared.flame import Track


@dataclass(frozen=True)
class Frame:
    """A square portrait with its camera and head parameters.

    Args:
        clip: Name of the clip (one person, one recording).
        index: Number of the frame within its clip.
        image: [S, S, 3] uint8 RGB, display sRGB, black outside the matte.
        camera: Head space to this picture, metres; all head motion is in it.
        track: One frame of parameters with betas; global, neck and translation are zero.
        box: [4] float32 x0, y0, x1, y1 of the head box, 0..1 of the picture.
        alpha: [S, S] uint8 matte, None where the store keeps none.
    """

    clip: str
    index: int
    image: np.ndarray
    camera: Camera
    track: Track
    box: np.ndarray
    alpha: np.ndarray | None = None


class Pair(NamedTuple):
    """What one step learns from, or one picture is made of: who, and doing what."""

    source: Frame
    target: Frame


class FrameSource(Protocol):
    """A readable data set.

    Attributes:
        head: Name of the head its parameters belong to.
        image_size: Side of its pictures, pixels.
    """

    head: str
    image_size: int

    def splits(self) -> Sequence[str]:
        """Names of the splits: some of train, val, test."""
        ...

    def clips(self, split: str) -> Sequence[str]:
        """Names of a split's clips, sorted."""
        ...

    def frames(self, clip: str) -> Sequence[int]:
        """Numbers of a clip's frames, ascending."""
        ...

    def read(self, clip: str, index: int) -> Frame:
        """One frame.

        Raises:
            AvatarError: `bad_file`, naming the clip, the frame and what is wrong.
        """
        ...
