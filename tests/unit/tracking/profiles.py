"""Colour profiles made from primaries: a matrix and a gamma, as ICC version 2 files."""

from __future__ import annotations

import struct

import numpy as np

# Primaries' XYZ, relative to D50, one a column.
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
DISPLAY_P3 = np.array(
    [[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]]
)
ADOBE_RGB = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
PROPHOTO = np.array([[0.7977, 0.1352, 0.0313], [0.2880, 0.7119, 0.0001], [0.0, 0.0, 0.8249]])
SPACES = {
    "Display P3": (DISPLAY_P3, 2.2),
    "Adobe RGB": (ADOBE_RGB, 2.2),
    "ProPhoto": (PROPHOTO, 1.8),
}


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(v) for v in values)


def matrix_profile(primaries: np.ndarray, gamma: float) -> bytes:
    """An ICC display profile of these primaries [3, 3]."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 79
    tags = {b"desc": name, b"cprt": b"text\0\0\0\0CC0\0", b"wtpt": _xyz(primaries.sum(1))}
    tags |= {key: _xyz(primaries[:, i]) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for key, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += key + struct.pack(">II", at + len(body), len(content))
        body += content
    header = struct.pack(">I", at + len(body)) + b"\0\0\0\0" + b"\x02\x10\0\0" + b"mntrRGB XYZ "
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += b"".join(_fixed(v) for v in (0.9642, 1.0, 0.8249))
    return header.ljust(128, b"\0") + table + body


def encoded_in(srgb: np.ndarray, primaries: np.ndarray, gamma: float) -> np.ndarray:
    """uint8 numbers by which another space tells colours of [..., 3] uint8 sRGB."""
    value = srgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    other = linear @ (np.linalg.inv(primaries) @ SRGB).T
    return (np.clip(other, 0, 1) ** (1 / gamma) * 255 + 0.5).astype(np.uint8)
