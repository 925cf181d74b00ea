"""Tracks as other programs write them: one reader for all, one short module a format.

Files are recognised by what they hold, never by their names, and nothing in them is run.
"""

from .containers import EXTENSIONS
from .formats import FORMATS, Format
from .on_arkit_rig import RIG_HEAD, on_rig
from .options import ANGLES, Options
from .read_track import ReadTrack, mixed, resampled
from .reading import read

__all__ = [
    "ANGLES",
    "EXTENSIONS",
    "FORMATS",
    "RIG_HEAD",
    "Format",
    "Options",
    "ReadTrack",
    "mixed",
    "on_rig",
    "read",
    "resampled",
]
