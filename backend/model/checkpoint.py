"""Checkpoints: the network's weights, its config and its head's hash in one safetensors file."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from backend.configs.network import ModelConfig, model_config
from backend.model.head_mesh import HeadMesh
from backend.model.splitavatar import SplitAvatar
from shared.atomic import replacing
from shared.errors import AvatarError, about
from shared.os_errors import os_error
from shared.restricted.damage import TEXT_DAMAGE

FORMAT = "splitavatar-checkpoint-1"
_FROZEN = "encoder."
"""Weights that have their own package or file; only converted checkpoints hold them."""


def checkpoint_state(model: SplitAvatar) -> dict[str, Tensor]:
    """The tensors that a checkpoint holds: all but a frozen encoder that has its own file."""
    return {
        name: value.detach().contiguous()
        for name, value in model.state_dict().items()
        if model.stores_encoder or not name.startswith(_FROZEN)
    }


def save_checkpoint(path: Path, model: SplitAvatar) -> None:
    """Write a checkpoint; an older file of that name is replaced only when the new one is whole."""
    save_state(path, checkpoint_state(model), model.config, model.head_hash)


def save_state(
    path: Path, state: dict[str, Tensor], config: ModelConfig, head_hash: str = ""
) -> None:
    """Write a checkpoint of given tensors.

    Args:
        path: A `.safetensors` file.
        state: All trainable tensors of the config's network; with `encoder.` all others too.
        config: The network.
        head_hash: Of the head it was trained on; empty: any head with as many vertices.
    """
    metadata = {
        "format": FORMAT,
        "config": json.dumps(config.to_dict(), sort_keys=True),
        "head": head_hash,
    }
    with replacing(path) as temporary:
        save_file(state, temporary, metadata=metadata)


def read_config(path: Path) -> tuple[ModelConfig, str]:
    """The config and the head's hash of a checkpoint, weights unread."""
    metadata, _ = _read(path, weights=False)
    return _config(path, metadata), metadata.get("head", "")


def load_checkpoint(path: Path, head: HeadMesh, wanted: ModelConfig | None = None) -> SplitAvatar:
    """The network of a checkpoint.

    Args:
        path: The file.
        head: The head it was trained on.
        wanted: The network it has to be; None: whichever it is. Its form of the attention is the
            one that is built.

    Raises:
        AvatarError: `missing_weights` (no such file), `bad_file` (not a checkpoint, damaged, of
            another network than the wanted one, or its tensors are not those of its config),
            `head_mismatch` (made for another head; a checkpoint that names none fits every head
            with as many vertices).
    """
    metadata, state = _read(path, weights=True)
    config = _config(path, metadata)
    if wanted is not None:
        _check_wanted(path, config, wanted)
        config = wanted
    if metadata.get("head") not in ("", str(head.hash)):
        raise AvatarError(
            "head_mismatch",
            f"{path.name} was trained on the head {metadata.get('head', '')[:12]}; the loaded "
            f"head is {str(head.hash)[:12]}.",
            "Load the head that the checkpoint was trained on, or choose another checkpoint.",
        )
    model = SplitAvatar(config, head)
    model.stores_encoder = any(name.startswith(_FROZEN) for name in state)
    _check_tensors(path, checkpoint_state(model), state)
    model.load_state_dict(state, strict=False)
    return model


def _read(path: Path, weights: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise AvatarError(
            "missing_weights", f"There is no checkpoint {path}.", "Check the path of the file."
        )
    try:
        path.open("rb").close()  # safetensors does not tell why not
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = list(file.keys()) if weights else []
            state = {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise os_error(error, path) from error
    except SafetensorError as error:
        raise _bad(path, f"is not a whole safetensors file ({error})") from error
    if metadata.get("format") != FORMAT:
        found = metadata.get("format", "none")
        raise _bad(path, f"is of the format {found}; expected {FORMAT}")
    return metadata, state


def _config(path: Path, metadata: dict[str, str]) -> ModelConfig:
    try:
        with about(path.name):
            return model_config(json.loads(metadata["config"]))
    except (KeyError, TypeError, *TEXT_DAMAGE) as error:
        raise _bad(path, f"has no readable config ({error!r})") from error


def _check_wanted(path: Path, found: ModelConfig, wanted: ModelConfig) -> None:
    if names := wanted.differences(found):
        settings = [f"{n} ({getattr(found, n)!r} instead of {getattr(wanted, n)!r})" for n in names]
        raise AvatarError(
            "bad_file",
            f"{path.name} is of another network than the preset {wanted.preset!r}: "
            f"{', '.join(settings[:4])}.",
            f"Choose the preset it was made with (it says {found.preset!r}).",
        )


def _check_tensors(path: Path, wanted: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    missing = sorted(wanted.keys() - found.keys())
    extra = sorted(found.keys() - wanted.keys())
    other = sorted(
        name
        for name in wanted.keys() & found.keys()
        if wanted[name].shape != found[name].shape or wanted[name].dtype != found[name].dtype
    )
    if missing or extra or other:
        raise _bad(
            path,
            f"does not fit its own config: missing {missing[:3]}, unknown {extra[:3]}, "
            f"of another shape or type {other[:3]}",
        )
    broken = sorted(name for name, value in found.items() if not torch.isfinite(value).all())
    if broken:
        raise _bad(path, f"has values that are not finite in {broken[:3]}")


def _bad(path: Path, what: str) -> AvatarError:
    return AvatarError(
        "bad_file", f"{path.name} {what}.", "Choose a checkpoint written by this program."
    )
