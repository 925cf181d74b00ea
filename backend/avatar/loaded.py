"""The network of a preset, with its weights, ready to make and drive avatars."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from backend.configs.network import ModelConfig
from backend.head import Head
from backend.model.checkpoint import checkpoint_state, load_checkpoint
from backend.model.splitavatar import SplitAvatar


@dataclass(frozen=True)
class Loaded:
    """What avatars are made with.

    Args:
        model: The network, frozen, on its device.
        model_hash: Which weights it has.
        head: On the same device.
        portrait_head: The same head on the CPU, where pictures are read.
        preset: Name of the network's preset.
        device: Where model and head are, `cpu` or `cuda`.
    """

    model: SplitAvatar
    model_hash: str
    head: Head
    portrait_head: Head
    preset: str
    device: str

    @property
    def refines(self) -> bool:
        """Whether a neural renderer makes the pictures."""
        return self.model.config.renderer != "none"


def load_model(
    config: ModelConfig, weights: Path | None, head: Head, device: str
) -> tuple[SplitAvatar, str]:
    """A frozen network on its device, and the hash of its weights.

    Args:
        config: The network's settings.
        weights: Its checkpoint; None: untrained.
        head: On the CPU.
        device: `cpu` or `cuda`.

    Raises:
        AvatarError: As `load_checkpoint`.
    """
    if weights is None:
        model = SplitAvatar(config, head)
    else:
        model = load_checkpoint(weights, head, config)
    model.eval().requires_grad_(False)
    digest = hashlib.sha256()
    for name, value in sorted(checkpoint_state(model).items()):
        digest.update(name.encode() + value.numpy().tobytes())
    if model.renderer is not None:  # a fifth faster on the CPU
        model.renderer.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return model.to(device), digest.hexdigest()
