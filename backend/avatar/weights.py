"""Checkpoints of presets that are nothing without training."""

from __future__ import annotations

from pathlib import Path

from backend.assets.downloads import assets_folder
from shared.errors import AvatarError

UNTRAINED = Path("none")
"""Given as weights: nothing that was learned by training, so that anyone can compare."""

_CONVERTED = "gagavatar"


def weights_of(preset: str, given: Path | None, refines: bool) -> Path | None:
    """The checkpoint to load.

    Args:
        preset: The network's.
        given: What was asked for: a checkpoint, `UNTRAINED`, or None for the preset's own.
        refines: Whether the network has a neural renderer, which is nothing without training.

    Returns:
        None: an untrained network.

    Raises:
        AvatarError: `missing_weights` where the preset's own are not there, `bad_request` for
            `UNTRAINED` of a network that needs training.
    """
    if given == UNTRAINED:
        if refines:
            raise AvatarError(
                "bad_request",
                f"The preset {preset} is nothing without weights; --weights none was given.",
                "Leave --weights out, or use the preset open.",
            )
        return None
    return trained_weights(preset) if given is None and refines else given


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
