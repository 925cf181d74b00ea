"""GAGAvatar.pt -> one of our checkpoints (safetensors, with its config inside)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backend.configs.network import ModelConfig, model_config
from backend.configs.presets import load_preset
from backend.gagavatar.keys import translate
from backend.gagavatar.units import PointsHead
from backend.model.checkpoint import save_state
from backend.model.splitavatar import SplitAvatar
from shared.errors import AvatarError
from shared.progress import Progress, silent
from shared.restricted.damage import ARCHIVE_DAMAGE

PRESET = "gagavatar"

KNOWN_SHA256 = "75d449fd1d67dd7bbc613cef17f0196b1c84766935adc75d5231bc89e33950f8"
"""Of GAGAvatar.pt as published."""

_READ_BYTES = 1 << 24


def convert(source: Path, out: Path, progress: Progress = silent) -> dict[str, Any]:
    """Write the converted checkpoint; an older file is replaced only by a whole one.

    Args:
        source: GAGAvatar.pt.
        out: The `.safetensors` file to write.
        progress: Told about the steps.

    Returns:
        `sha256` of the source, `published` (whether it is the known file's), `tensors` written,
        `parameters`, `out`.

    Raises:
        AvatarError: `missing_weights`, `bad_file` (not this checkpoint), `bad_request`.
    """
    if out.suffix != ".safetensors":
        raise AvatarError(
            "bad_request",
            f"The output {out.name} is not named .safetensors.",
            "Choose a name that ends in .safetensors.",
        )
    sha256 = _sha256(source, progress)
    progress("converting", 0, 2)
    theirs = read_checkpoint(source)
    config, wanted = _wanted(theirs)
    state = translate(theirs, wanted)
    progress("converting", 1, 2)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Which FLAME file it will be driven with is not known here: no head's hash.
    save_state(out, state, config, head_hash="")
    progress("converting", 2, 2)
    return {
        "out": out,
        "sha256": sha256,
        "published": sha256 == KNOWN_SHA256,
        "tensors": len(state),
        "parameters": sum(value.numel() for value in state.values()),
    }


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a GAGAvatar checkpoint, by their own names; nothing in it is executed.

    Raises:
        AvatarError: `missing_weights` without the file, `bad_file` for anything else.
    """
    if not path.is_file():
        raise AvatarError(
            "missing_weights",
            f"There is no file {path}.",
            "Download GAGAvatar.pt from its authors' page and give its path.",
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except ARCHIVE_DAMAGE as error:
        raise _refused(path, f"it cannot be read as plain tensors ({str(error)[:200]})") from error
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not all(isinstance(v, Tensor) for v in model.values()):
        found = sorted(map(str, content))[:5] if isinstance(content, dict) else type(content)
        raise _refused(path, f"it holds {found}, not 'model' with tensors")
    return model


def _wanted(theirs: dict[str, Tensor]) -> tuple[ModelConfig, dict[str, Tensor]]:
    """The preset's config, and names and shapes of its network's tensors."""
    config = model_config(load_preset(PRESET))
    base = theirs.get("head_base")
    vertices = base.shape[0] if base is not None and base.ndim == 2 else 0
    with torch.device("meta"):  # shapes only
        model = SplitAvatar(config, PointsHead(vertices))
    return config, model.state_dict()


def _sha256(path: Path, progress: Progress) -> str:
    if not path.is_file():
        return ""
    size, done, digest = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
            done += len(block)
            progress("checking", done, size)
    return digest.hexdigest()


def _refused(path: Path, why: str) -> AvatarError:
    return AvatarError(
        "bad_file",
        f"{path.name} is not GAGAvatar's checkpoint: {why}.",
        "Use GAGAvatar.pt as its authors published it.",
    )
