"""What the user may say about a track file, where the file itself is silent or wrong."""

from __future__ import annotations

from dataclasses import dataclass

ANGLES = ("auto", "radians", "degrees")


@dataclass(frozen=True)
class Options:
    """How to read a track.

    Args:
        fps: Frames per second in place of what the file tells, or None.
        angles: Unit of a CSV's head and eye angles, of `ANGLES`.
        clip: Which clip of a file that holds several; empty: the only one.
        head: Name of the head whose codes the file holds, in place of the format's own, or None.
    """

    fps: float | None = None
    angles: str = "auto"
    clip: str = ""
    head: str | None = None
