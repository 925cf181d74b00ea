"""What of a person is skin, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch
from torch.nn import functional as F

from backend.assets import PART_DECODER
from backend.assets.vendored import vendored
from backend.model.encoder import EfficientNetLite0
from backend.model.part_decoder import PARTS, PartDecoder
from backend.tracking.matte import guided_filter

from .parts_hash import PART_DECODER_SHA256

PARSED_PX = 512
"""Side of the pictures that the parser knows."""

_PERSON = 0.05  # of the matte: beyond that nothing is anything
_RADIUS_PX, _EPSILON = 24, 1e-3  # the network is off by some pixels; single hairs are lost


@dataclass(frozen=True)
class Parts:
    """What a picture's pixels show of a person.

    Args:
        hair: [H, W] bool; no beards, no brows: those lie on skin.
        clothes: [H, W] bool.
    """

    hair: np.ndarray
    clothes: np.ndarray

    @property
    def worn(self) -> np.ndarray:
        """[H, W] bool: hair and clothes: what is not skin, and may hide it."""
        return self.hair | self.clothes


def parse(matted: np.ndarray, matte: np.ndarray) -> Parts:
    """The parts of a person whose head fills most of a square picture.

    Args:
        matted: [S, S, 3] float32 display sRGB 0..1, on black.
        matte: [S, S] 0..1.

    Raises:
        AvatarError: `bad_file`, `missing_weights` of a damaged installation.
    """
    encoder, decoder = _parser()
    side = len(matte)
    sized = cv2.resize(matted, (PARSED_PX, PARSED_PX), interpolation=cv2.INTER_AREA)
    image = torch.from_numpy(sized).permute(2, 0, 1)[None].float().contiguous()
    with torch.no_grad():
        maps, colours = encoder(image).maps, F.avg_pool2d(image, 2)
        shares = decoder(maps, colours).softmax(1)
        shares = F.interpolate(shares, size=(side, side), mode="bilinear", align_corners=False)
    guide = matted.astype(np.float32)
    fine = [guided_filter(guide, part, _RADIUS_PX, _EPSILON) for part in shares[0].numpy()]
    likeliest = np.argmax(fine, axis=0)
    person = matte > _PERSON
    return Parts(
        person & (likeliest == PARTS.index("hair")), person & (likeliest == PARTS.index("clothes"))
    )


@cache
def _parser() -> tuple[EfficientNetLite0, PartDecoder]:
    return EfficientNetLite0(PARSED_PX), read_decoder(PART_DECODER, PART_DECODER_SHA256)


def read_decoder(path: Path, sha256: str) -> PartDecoder:
    """The learned decoder, frozen.

    Args:
        path: The .safetensors.
        sha256: What the hash of its bytes must be.

    Raises:
        AvatarError: `bad_file` where it is missing or another file.
    """
    content = vendored(path, sha256, "The parser's weights file", "scripts/make_parser.py")
    decoder = PartDecoder()
    decoder.load_state_dict(safetensors.torch.load(content))
    return decoder.requires_grad_(False).eval()
