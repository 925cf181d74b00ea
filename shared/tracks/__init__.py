"""Tracks as other programs write them: one reader for all, one short module a format.

Files are recognised by what they hold, never by their names, and nothing in them is run.
"""

from .containers import EXTENSIONS
from .formats import FORMATS, Format
from .options import ANGLES, Options
from .read_track import ReadTrack, resampled
from .reading import read

__all__ = ["ANGLES", "EXTENSIONS", "FORMATS", "Format", "Options", "ReadTrack", "read", "resampled"]
