"""What of a person is skin, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

from .fill import nearest_fill
from .hue import hue
from .parts_hash import PART_DECODER_SHA256
from .polygons import dilate, erode, inside_px, opened

PARSED_PX = 512
"""Side of the pictures that the parser knows."""

_PERSON = 0.05  # of the matte: beyond that nothing is anything
_RADIUS_PX, _EPSILON = 24, 1e-3  # the network is off by some pixels; single hairs are lost

_INSIDE_PX, _EDGE_PX = 4, 14  # nothing of others is mixed in; farther from skin no cloth is skin
_RIM_PX = 5  # half as wide as what may be one
_STRANDS_PX, _SHADE_PX = 2, 12  # narrower is no island; as far from clothes as their shade is
_BESIDE_PX, _LEAST_BORDER_PX = 4, 20  # of an island
_UNLIKE = 0.25  # of a channel, from the nearest cloth
_LARGEST_ISLAND = 0.15  # in squares of the eyes' distance: locks of long hair are larger
_NEARER, _APART, _DARKEST = 0.5, 0.06, 0.08  # of hues; brightness that has none


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


def without_skin(parts: Parts, rgb: np.ndarray, matte: np.ndarray) -> Parts:
    """The same without what a parser takes for clothes beside skin, or in the shade of a chin, and
    has skin's hue.

    Args:
        parts: As parsed.
        rgb: [H, W, 3] display sRGB.
        matte: [H, W] 0..1.
    """
    skin = (matte > 0.5) & ~parts.worn
    edge = dilate(skin, _EDGE_PX) & hued_as_skin(rgb, skin, parts.clothes)
    return replace(parts, clothes=parts.clothes & ~edge)


def without_rim(parts: Parts, matte: np.ndarray, above_px: float) -> Parts:
    """The same without hair that is only a line along the person's outline: a parser sees it around
    bald skulls, where the backdrop shines on skin.

    Args:
        parts: As parsed.
        matte: [H, W] 0..1.
        above_px: Row above which skulls are; below it a neck's dark edge is better not its skin.
    """
    locks = opened(parts.hair, _RIM_PX)
    rim = parts.hair & ~dilate(locks, 2 * _RIM_PX) & (inside_px(matte) < 3 * _RIM_PX)
    rim[max(round(above_px), 0) :] = False
    return replace(parts, hair=parts.hair & ~rim)


def with_collars(
    parts: Parts, rgb: np.ndarray, matte: np.ndarray, below_px: float, eyes_px: float
) -> Parts:
    """The same, with islands and lines of hair in clothes below a face as clothes, but for what is
    unlike those, such as earrings and the outlines of beards: a parser takes collars' shaded
    insides and scarves for hair, which would turn with the head.

    Args:
        parts: As parsed.
        rgb: [H, W, 3] display sRGB.
        matte: [H, W] 0..1.
        below_px: Row from which on an island lies below the face.
        eyes_px: Distance of the eyes' outer corners.
    """
    if not parts.clothes.any():
        return parts
    beside = dilate(parts.clothes, _BESIDE_PX)
    outside = dilate(matte < 0.5, _BESIDE_PX)
    from_cloth = np.abs(rgb - nearest_fill(rgb, parts.clothes)).max(-1)
    bearded = like_skin(rgb, (matte > 0.5) & ~parts.worn, parts.clothes)
    locks = opened(parts.hair, _STRANDS_PX)
    # Dark lines between clothes and neck are the shade of those.
    collars = parts.hair & ~dilate(locks, _STRANDS_PX) & dilate(parts.clothes, _SHADE_PX)
    collars[: max(round(below_px), 0)] = False
    count, islands, facts, _ = cv2.connectedComponentsWithStats(locks.astype(np.uint8))
    for number in range(1, count):
        top, area = facts[number, cv2.CC_STAT_TOP], facts[number, cv2.CC_STAT_AREA]
        if top < below_px or area > _LARGEST_ISLAND * eyes_px**2:
            continue
        island = islands == number
        border_px = (island & beside).sum()
        beard = bearded[island].mean() > 0.5 and (island & outside).sum() > border_px
        if border_px >= _LEAST_BORDER_PX and not beard:
            collars |= parts.hair & dilate(island, _STRANDS_PX)
    collars &= from_cloth < _UNLIKE
    return Parts(parts.hair & ~collars, parts.clothes | collars)


def like_skin(rgb: np.ndarray, skin: np.ndarray, cloth: np.ndarray) -> np.ndarray:
    """[H, W] bool: what looks more like the nearest skin and its beard than like the nearest cloth.

    Args:
        rgb: [H, W, 3] display sRGB.
        skin: [H, W] bool; its edge does not count.
        cloth: [H, W] bool.
    """
    skin = erode(skin, _INSIDE_PX)
    if not (skin.any() and cloth.any()):
        return skin
    apart = [np.linalg.norm(rgb - nearest_fill(rgb, own), axis=-1) for own in (skin, cloth)]
    return apart[0] < apart[1]


def hued_as_skin(rgb: np.ndarray, skin: np.ndarray, cloth: np.ndarray) -> np.ndarray:
    """[H, W] bool: what has the hue of the nearest skin rather than that of the nearest cloth;
    nothing where those are alike.

    Args:
        rgb: [H, W, 3] display sRGB.
        skin: [H, W] bool.
        cloth: [H, W] bool.
    """
    skin, cloth = erode(skin, _INSIDE_PX), erode(cloth, _INSIDE_PX)
    if not (skin.any() and cloth.any()):
        return np.zeros_like(skin)
    hues = hue(rgb)
    of_skin, of_cloth = nearest_fill(hues, skin), nearest_fill(hues, cloth)
    to_skin, to_cloth = (np.linalg.norm(hues - own, axis=-1) for own in (of_skin, of_cloth))
    told = (np.linalg.norm(of_skin - of_cloth, axis=-1) > _APART) & (rgb.mean(-1) > _DARKEST)
    return told & (to_skin < _NEARER * to_cloth)


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
