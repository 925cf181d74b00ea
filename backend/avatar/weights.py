"""Checkpoints of presets that are nothing without training."""

from __future__ import annotations

from pathlib import Path

from backend.assets.downloads import assets_folder
from shared.errors import AvatarError

_CONVERTED = "gagavatar"


def weights_path(preset: str) -> Path:
    """Where a preset's checkpoint is looked for."""
    return assets_folder() / "checkpoints" / f"{Path(preset).stem}.safetensors"


def trained_weights(preset: str) -> Path:
    """A preset's checkpoint.

    Raises:
        AvatarError: `missing_weights`, saying which command makes it.
    """
    path = weights_path(preset)
    if path.is_file():
        return path
    if Path(preset).stem == _CONVERTED:
        remedy = (
            "Download GAGAvatar.pt from github.com/xg-chu/GAGAvatar, then run: "
            "python -m backend convert GAGAvatar.pt"
        )
    else:
        remedy = f"Train it (python -m backend train) and copy its weights to {path}."
    raise AvatarError(
        "missing_weights", f"The preset {preset} needs its weights; {path} is not there.", remedy
    )
