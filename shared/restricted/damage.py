"""What readers of files raise where a file is damaged."""

from __future__ import annotations

import pickle
import struct
import tokenize
import zipfile
import zlib

ARCHIVE_DAMAGE = (
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    EOFError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    pickle.UnpicklingError,
    SyntaxError,
    tokenize.TokenError,
)
"""Of NumPy, zipfile, torch and Pillow on damaged files."""

TEXT_DAMAGE = (OSError, ValueError, RecursionError)
"""Of files of JSON or TOML that cannot be read, hold no text, or nest without end."""
