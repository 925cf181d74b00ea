"""The retoucher: what avatars' pictures lack, seen from how they were drawn.

A small U-Net. It sees a picture with its alpha and its clues (what of it the portrait shows, how
far that moved, which parts are the mouth's or the eyes'), and gives what to add to colours and
alpha.
Where a picture shows the portrait itself, unmoved, nothing is added.

Deviates: the paper's neural renderer paints the picture from 32 learned features of every Gaussian,
with a StyleUNet. Here splats with the portrait's detail are most of the picture already; drawing
other 29 channels would cost more time than the network, and what is painted cannot lie in a PLY.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (24, 48, 96, 160, 224)
BLOCKS = (1, 1, 2, 2, 2)
STRIDE = 2 ** (len(WIDTHS) - 1)
"""Sides of its pictures are multiples of this."""

SIDE_PX = 256
"""Side of the portraits that it learns from."""

PICTURE = 4
"""Premultiplied display sRGB, and alpha."""

CLUES = ("trust", "shown", "moved", "head", "mouth", "eyes")
"""Planes that tell of every pixel of a drawn picture: how much of the portrait's detail it has;
whether the portrait shows what it shows; how far that moved otherwise than the head; and how much
of it is the head's, the mouth's inside, the eyeballs'."""

PLANES = PICTURE + len(CLUES)

_DARK = 0.02  # no hue is told of less
_TEETH = (1.0, 0.94, 0.94)  # most of red, green and blue, to 1 of red

FAR_PX = 32.0
"""So many pixels of the portrait are 1 in the plane of what moved."""


class Block(nn.Module):
    """Two convolutions around which the input goes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] of the same shape."""
        return x + self.second(F.silu(self.first(F.silu(x))))


class Retoucher(nn.Module):
    """Planes of a drawn picture to the retouched picture.

    Args:
        widths: Channels at every resolution, full to coarse.
        blocks: How many blocks there are at each on the way down; on the way up one.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS, blocks: Sequence[int] = BLOCKS) -> None:
        super().__init__()
        self.enter = nn.Conv2d(PLANES, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(*[Block(width) for _ in range(count)])
            for width, count in zip(widths, blocks, strict=True)
        )
        pairs = list(pairwise(widths))
        self.coarser = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.finer = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.up = nn.ModuleList(Block(width) for width in widths[:-1])
        self.leave = nn.Conv2d(widths[0], PICTURE, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # pyright: ignore[reportArgumentType]

    def load(self, content: bytes) -> None:
        """Takes the weights of a file, which has them in half precision."""
        state = safetensors.torch.load(content)
        self.load_state_dict({name: value.float() for name, value in state.items()})

    def forward(self, planes: Tensor) -> Tensor:
        """What to add to a picture.

        Args:
            planes: [B, PLANES, H, W] 0..1: picture, clues; sides multiples of `STRIDE`.

        Returns:
            [B, 4, H, W]: to premultiplied display sRGB, and to alpha.
        """
        x = self.enter(planes * 2 - 1)
        kept: list[Tensor] = []
        for blocks, coarser in zip(self.down, self.coarser, strict=False):
            kept.append(blocks(x))
            x = coarser(kept[-1])
        x = self.down[-1](x)
        for finer, block in zip(reversed(self.finer), reversed(self.up), strict=True):
            x = block(F.interpolate(finer(x), scale_factor=2.0) + kept.pop())
        return likely(planes, self.leave(F.silu(x)) * doubt(planes))


def doubt(planes: Tensor) -> Tensor:
    """[B, 1, H, W] 0..1: how far a pixel may differ from the portrait's own pose.

    Args:
        planes: [B, PLANES, H, W] 0..1.
    """
    trust, moved = _clues(planes, "trust", "moved")
    return 1 - trust * torch.exp(-(moved * FAR_PX).square())


def likely(planes: Tensor, added: Tensor) -> Tensor:
    """[B, 4, H, W] what is added, in hues that there are: teeth that turn brighter do not turn blue
    or green, and eyes keep their own.

    Args:
        planes: [B, PLANES, H, W] 0..1.
        added: [B, 4, H, W] to the picture.
    """
    mouth, eyes = _clues(planes, "mouth", "eyes")
    drawn, colours = planes[:, : PICTURE - 1], added[:, : PICTURE - 1]
    bright = drawn.mean(1, keepdim=True).clamp_min(_DARK)
    in_eyes = drawn * colours.mean(1, keepdim=True) / bright
    shown = drawn + colours
    most = shown[:, :1] * shown.new_tensor(_TEETH)[:, None, None]
    in_mouths = shown.minimum(drawn.maximum(most)) - drawn
    colours = colours + mouth * (in_mouths - colours)
    colours = colours + eyes * (in_eyes - colours)
    return torch.cat([colours, added[:, PICTURE - 1 :]], dim=1)


def _clues(planes: Tensor, *names: str) -> list[Tensor]:
    """[B, 1, H, W] each, of planes [B, PLANES, H, W]."""
    return [planes[:, PICTURE + CLUES.index(name)][:, None] for name in names]
