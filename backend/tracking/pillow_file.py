"""Picture files through Pillow, whose warnings are of what our own errors and OpenCV cope with."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from shared.restricted.damage import ARCHIVE_DAMAGE

UNREADABLE = (*ARCHIVE_DAMAGE, Image.DecompressionBombError)
"""What Pillow raises of files that it cannot read."""


@contextmanager
def pillow_file(data: bytes) -> Iterator[Image.Image]:
    """A file's picture, read when it is asked for its pixels.

    Args:
        data: The whole file.
    """
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as file:
        yield file
