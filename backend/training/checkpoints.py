"""Checkpoints of a run: weights, Adam's state and the place in the run in one safetensors file.

A file appears whole or not at all. The pairs and the noise of a step follow from the seed and
the step's number (`sampling`, `trainer`), so that nothing else has to be kept for a resumed run
to go on exactly.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from backend.model.checkpoint import checkpoint_state
from backend.model.splitavatar import SplitAvatar
from shared.atomic import replacing
from shared.errors import AvatarError
from shared.restricted.damage import TEXT_DAMAGE

FORMAT = "splitavatar-training-1"
_MODEL, _OPTIMISER = "model.", "optimiser."


@dataclass(frozen=True)
class RunState:
    """Where a run stands.

    Args:
        step: Steps done.
        settings: `Settings.to_dict` of the run.
        head: Hash of the head.
        best: Lowest validation loss so far; None before the first.
        scaler: State of the loss scaling (`16-mixed` only).
    """

    step: int
    settings: dict[str, Any]
    head: str
    best: float | None
    scaler: dict[str, Any]


def save(
    folder: Path, keep: int, model: SplitAvatar, optimiser: torch.optim.Optimizer, state: RunState
) -> Path:
    """Writes a checkpoint and removes all but the last `keep`."""
    tensors = {_MODEL + name: value for name, value in checkpoint_state(model).items()}
    tensors.update(_optimiser_tensors(model, optimiser))
    tensors = {name: value.cpu().clone() for name, value in tensors.items()}
    path = folder / f"step-{state.step:09d}.safetensors"
    metadata = {"format": FORMAT, "state": json.dumps(vars(state), sort_keys=True)}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)
        with temporary.open("rb+") as file:  # on the disk before the name points to it
            os.fsync(file.fileno())
    for old in checkpoints(folder)[:-keep]:
        old.unlink()
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first."""
    return sorted(folder.glob("step-*.safetensors"))


def latest(folder: Path) -> Path:
    """The last checkpoint that is whole; what an interrupted write left is removed.

    Raises:
        AvatarError: `missing_weights` when there is none.
    """
    for part in folder.glob(".step-*.part.safetensors"):
        part.unlink()
    for path in reversed(checkpoints(folder)):
        try:
            with safe_open(path, framework="pt") as file:
                file.metadata()
            return path
        except (SafetensorError, OSError):
            continue  # cut short by a full disk or a lost machine: the one before is as good
    raise AvatarError(
        "missing_weights",
        f"There is no whole checkpoint in {folder}.",
        "Start the run without --resume.",
    )


def read_state(path: Path) -> RunState:
    """Where the run stood at a checkpoint.

    Raises:
        AvatarError: `bad_file` for any other file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise _bad(path, f"is of the format {metadata.get('format')}; expected {FORMAT}")
        return RunState(**json.loads(metadata["state"]))
    except (SafetensorError, KeyError, TypeError, *TEXT_DAMAGE) as error:
        raise _bad(path, f"is not a whole checkpoint ({error})") from error


def restore(path: Path, model: SplitAvatar, optimiser: torch.optim.Optimizer) -> None:
    """Weights and Adam's state of a checkpoint into a model and its optimiser.

    Raises:
        AvatarError: `bad_file` when its tensors are not the model's.
    """
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    weights = {n[len(_MODEL) :]: v for n, v in tensors.items() if n.startswith(_MODEL)}
    wanted = checkpoint_state(model)
    other = sorted(n for n in wanted.keys() & weights.keys() if wanted[n].shape != weights[n].shape)
    differing = sorted(wanted.keys() ^ weights.keys()) + other
    if differing:
        raise _bad(path, f"holds another network: {', '.join(differing[:5])}")
    model.load_state_dict(weights, strict=False)
    _restore_optimiser(model, optimiser, tensors)


def _optimiser_tensors(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{_OPTIMISER}{key}.{name}": torch.as_tensor(value)
        for name, parameter in model.named_parameters()
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def _restore_optimiser(
    model: nn.Module, optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]
) -> None:
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        if key.startswith(_OPTIMISER):
            field, _, name = key[len(_OPTIMISER) :].partition(".")
            parameter = parameters[name]
            # Adam keeps its step count on the CPU wherever the parameter is.
            kept = value if field == "step" else value.to(parameter)
            optimiser.state[parameter][field] = kept


def _bad(path: Path, what: str) -> AvatarError:
    return AvatarError("bad_file", f"{path.name} {what}.", "Choose a run folder of this program.")
