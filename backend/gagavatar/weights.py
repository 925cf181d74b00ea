"""Where the converted checkpoint lies."""

from __future__ import annotations

from pathlib import Path

from backend.assets_folder import assets_folder

WEIGHTS = "checkpoints/gagavatar.safetensors"
"""Below the folder for downloads."""


def weights_path() -> Path:
    """The file that `convert` writes and the preset `gagavatar` reads."""
    return assets_folder() / WEIGHTS
