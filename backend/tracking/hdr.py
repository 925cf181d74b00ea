"""HDR pictures for ordinary screens.

Source: ITU-R BT.2100-2 (transfer functions, HLG's system gamma at 1000 cd/m2), BT.2408 (203 cd/m2
is what white paper has), BT.2087 (BT.2020's primaries in BT.709's).
"""

from __future__ import annotations

import functools

import numpy as np

PQ, HLG = 16, 18
TRANSFERS = frozenset({PQ, HLG})
"""Transfer characteristics, as H.273 numbers them."""

_WHITE = 203.0
_PEAK = 1000.0
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
_KNEE = 0.8  # of white: what is brighter is pressed together


def in_display_srgb(rgb: np.ndarray, transfer: int, to_709: np.ndarray = _TO_709) -> np.ndarray:
    """[H, W, 3] uint8 of [H, W, 3] uint16.

    Args:
        rgb: The signal, full range.
        transfer: One of `TRANSFERS`.
        to_709: [3, 3] its light in BT.709's primaries; BT.2020's by default.
    """
    light = _decoding(transfer)[rgb]
    if transfer == HLG:
        luminance = np.maximum(light @ _LUMINANCE, 1e-6)[..., None]
        light = light * luminance**0.2 * (_PEAK / _WHITE)
    light = np.maximum(light @ to_709.T, 0)
    above = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    light = np.minimum(light, _KNEE) + (1 - _KNEE) * (1 - np.exp(-above))
    return _encoding()[(light * 65535).astype(np.uint16)]


@functools.cache
def _decoding(transfer: int) -> np.ndarray:
    """[65536] float32: light of a signal, 1 at white paper (PQ) or at the peak of a scene (HLG)."""
    signal = np.arange(65536) / 65535
    if transfer == PQ:
        power = signal ** (1 / 78.84375)
        ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
        return (10000 / _WHITE * ratio ** (1 / 0.1593017578125)).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12).astype(
        np.float32
    )


@functools.cache
def _encoding() -> np.ndarray:
    """[65536] uint8: display sRGB of light 0..1."""
    light = np.arange(65536) / 65535
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (value * 255 + 0.5).astype(np.uint8)
