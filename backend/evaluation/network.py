"""Our network as one of the systems that are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from backend.data.frame import Frame, FrameSource, Pair
from backend.head import Head, load_head
from backend.model.checkpoint import checkpoint_state, load_checkpoint
from backend.model.pictures import Own, Pictures, draw
from backend.model.splitavatar import SplitAvatar
from backend.training.batch import collate
from backend.training.portrait_start import PortraitStart
from backend.training.settings import Settings, load_settings


@dataclass(frozen=True)
class Network:
    """A network, ready to be evaluated.

    Args:
        name: Its preset: the name of its folder of results.
        model: On its device, frozen.
        head: On the CPU.
        start: Makes every portrait's own residuals; None: the preset has none.
        digest: Of its weights and settings.
    """

    name: str
    model: SplitAvatar
    head: Head
    start: PortraitStart | None
    digest: str


def open_network(
    preset: str | Settings, weights: Path | None, cache: Path, device: str = "cpu"
) -> Network:
    """The network of a preset.

    Args:
        preset: A name, the path of a .toml file, or settings.
        weights: Its checkpoint; None: untrained, initialised from the preset's seed.
        cache: Folder for portraits' residuals (`start = "portrait"`).
        device: `cpu` or `cuda`.

    Raises:
        AvatarError: As `load_preset`, `load_checkpoint` and `load_head`.
    """
    settings = preset if isinstance(preset, Settings) else load_settings(preset)
    head = load_head(settings.model.head)
    if weights is None:
        model = SplitAvatar(settings.model, head, seed=settings.train.seed)
    else:
        model = load_checkpoint(weights, head, settings.model)
    return of_model(settings, model, head, cache, device)


def of_model(
    settings: Settings, model: SplitAvatar, head: Head, cache: Path, device: str = "cpu"
) -> Network:
    """A network that is already there."""
    model.eval().requires_grad_(False).to(device)
    portrait = settings.train.start == "portrait"
    return Network(
        name=settings.model.preset,
        model=model,
        head=head,
        start=PortraitStart(model, head, cache) if portrait else None,
        digest=_digest(model, settings),
    )


@torch.no_grad()
def animate(
    network: Network, data: FrameSource, source: Frame, drivers: Sequence[tuple[str, int]]
) -> Iterator[tuple[Frame, Pictures]]:
    """One portrait doing what others do.

    Args:
        network: Which network.
        data: Where the drivers are read.
        source: The portrait.
        drivers: Clip and number of every driving frame.
    """
    own = [Own() if network.start is None else network.start.of(source)]
    device = next(network.model.buffers()).device
    encoded = None
    for clip, index in drivers:
        target = data.read(clip, index)
        batch = collate([Pair(source, target)], network.head, device)
        if encoded is None:  # once per portrait
            encoded = network.model.encode(batch.source_images, batch.source_cameras)
        yield target, draw(
            network.model, encoded, batch.source_cameras, batch.vertices, batch.frames,
            batch.target_cameras, own=own,
        )  # fmt: skip


def picture(pictures: Pictures) -> np.ndarray:
    """[H, W, 3] uint8: the fine image, where the preset has a renderer, else the coarse one."""
    shown = pictures.coarse if pictures.fine is None else pictures.fine
    return (shown[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def _digest(model: SplitAvatar, settings: Settings) -> str:
    digest = hashlib.sha256(f"{settings.model} {settings.train.start}".encode())
    for name, value in sorted(checkpoint_state(model).items()):
        digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()[:24]
