"""Colours told by numbers instead of a profile: PNG's cICP, gAMA and cHRM, AVIF's nclx.

Source: ITU-T H.273 (primaries and transfer characteristics), PNG (Third Edition) 11.3.2, ISO/IEC
14496-12 12.1.5 (colr).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .hdr import TRANSFERS, in_display_srgb

_PNG = b"\x89PNG\r\n\x1a\n"
_HEAD_BYTES = 1 << 16  # an AVIF's boxes before its picture
_D65 = (0.3127, 0.3290)
_SRGB_XY = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_PRIMARIES = {
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # DCI-P3
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
"""H.273's number -> x, y of white, red, green and blue; others are sRGB's, or near to them."""

_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_USUAL = 1 / 0.45455  # a gAMA that stands for sRGB's own curve
_LIKE_USUAL = 0.02
_LEAST_GAMMA, _MOST_GAMMA = 0.3, 4.0  # beyond them it is no screen's: damage
_BITS = (8, 10, 12, 16)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_ROWS = 256


@dataclass(frozen=True)
class Coded:
    """What the numbers of a picture mean.

    Args:
        primaries: x, y of white, red, green and blue.
        transfer: H.273's number of an HDR screen's curve; 0: `gamma` tells.
        gamma: Exponent that makes light of numbers; 0: sRGB's curve.
    """

    primaries: tuple[float, ...] = _SRGB_XY
    transfer: int = 0
    gamma: float = 0.0

    @property
    def hdr(self) -> bool:
        """Whether they are an HDR screen's."""
        return self.transfer in TRANSFERS


def coded(data: bytes) -> Coded | None:
    """What a file tells of its colours in numbers; None: nothing, or that they are sRGB's."""
    found = _of_png(data) if data.startswith(_PNG) else _of_avif(data)
    return found if found != Coded() else None


def bits_of_avif(data: bytes) -> int | None:
    """How many bits an AVIF's numbers have; None for other files."""
    at = data.find(b"pixi", 0, _HEAD_BYTES) if data[4:8] == b"ftyp" else -1
    bits = data[at + 9] if 0 <= at < len(data) - 9 else 0
    return bits if bits in _BITS else None


def in_srgb(numbers: np.ndarray, coded: Coded) -> np.ndarray:
    """[H, W, 3] uint8 sRGB.

    Args:
        numbers: [H, W, 3] uint16, full range.
        coded: What they mean.
    """
    to_srgb = (np.linalg.inv(_to_xyz(_SRGB_XY)) @ _to_xyz(coded.primaries)).astype(np.float32)
    light, encoding = _light(coded.gamma), _encoding()
    result = np.empty(numbers.shape, np.uint8)
    for top in range(0, len(numbers), _ROWS):
        rows = slice(top, top + _ROWS)
        if coded.hdr:
            result[rows] = in_display_srgb(numbers[rows], coded.transfer, to_srgb)
        else:
            linear = np.clip(light[numbers[rows]] @ to_srgb.T, 0, 1)
            result[rows] = encoding[(linear * 65535 + 0.5).astype(np.uint16)]
    return result


def _light(gamma: float) -> np.ndarray:
    """[65536] float32 light of a number."""
    value = np.arange(65536) / 65535
    srgb = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return (value**gamma if gamma else srgb).astype(np.float32)


def _encoding() -> np.ndarray:
    """[65536] uint8 sRGB of light."""
    light = np.arange(65536) / 65535
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (value * 255 + 0.5).astype(np.uint8)


def _to_xyz(primaries: tuple[float, ...]) -> np.ndarray:
    """[3, 3] linear RGB to XYZ under D65."""
    x, y = np.array(primaries[0::2]), np.array(primaries[1::2])
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    matrix = xyz[:, 1:] * np.linalg.solve(xyz[:, 1:], xyz[:, 0])
    d65 = np.array([_D65[0] / _D65[1], 1, (1 - sum(_D65)) / _D65[1]])
    adapted = np.diag((_BRADFORD @ d65) / (_BRADFORD @ xyz[:, 0]))
    return np.linalg.inv(_BRADFORD) @ adapted @ _BRADFORD @ matrix


def _of_numbers(primaries: int, transfer: int) -> Coded:
    hdr = transfer if transfer in TRANSFERS else 0
    return Coded(_PRIMARIES.get(primaries, _SRGB_XY), hdr, _GAMMAS.get(transfer, 0.0))


def _of_png(data: bytes) -> Coded:
    """cICP before a profile before sRGB before gAMA and cHRM, as PNG has it."""
    chunks = dict(_chunks(data))
    if len(chunks.get(b"cICP", b"")) == 4:
        return _of_numbers(*chunks[b"cICP"][:2])
    if b"iCCP" in chunks or b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return Coded()
    gamma = 1e5 / max(int.from_bytes(chunks[b"gAMA"], "big"), 1)
    if not _LEAST_GAMMA < gamma < _MOST_GAMMA:
        return Coded()
    given = chunks.get(b"cHRM", b"")
    primaries = tuple(n / 1e5 for n in struct.unpack(">8I", given)) if len(given) == 32 else ()
    if _colours(primaries):
        return Coded(primaries, gamma=gamma)
    return Coded() if abs(gamma - _USUAL) < _LIKE_USUAL else Coded(gamma=gamma)


def _colours(primaries: tuple[float, ...]) -> bool:
    """Whether these are the places of a white and of three colours, and not sRGB's."""
    if not primaries or np.allclose(primaries, _SRGB_XY, atol=2e-3):
        return False
    x, y = np.array(primaries[2::2]), np.array(primaries[3::2])
    area = abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]))
    return min(primaries[1::2]) > 1e-3 and max(primaries) < 1 and area > 0.02


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks before a PNG's pixels."""
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"IDAT":
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _of_avif(data: bytes) -> Coded:
    if data[4:8] != b"ftyp" or b"avi" not in data[8:64]:
        return Coded()
    head = data[:_HEAD_BYTES]
    at = head.find(b"colrnclx")
    if at < 0 or b"colrprof" in head or b"colrrICC" in head or len(head) < at + 12:
        return Coded()
    return _of_numbers(*struct.unpack_from(">HH", head, at + 8))
