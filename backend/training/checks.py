"""What has to fit together before a run begins or goes on."""

from __future__ import annotations

from pathlib import Path

from backend.data import fits
from backend.data.frame import FrameSource
from backend.head import Head
from backend.model.checkpoint import checkpoint_state, load_checkpoint, read_config
from backend.model.splitavatar import SplitAvatar
from backend.training.checkpoints import RunState, checkpoints
from backend.training.settings import MAY_CHANGE, Settings
from shared.errors import AvatarError

NEW_PARTS = ("embeddings.", "splitting.", "decoders.", "masks.", "renderer.")
"""Parts that a start from another preset's weights may lack: they begin as if untrained."""


def check_data(settings: Settings, data: FrameSource, head: Head) -> None:
    """Refuses data of another head or size.

    Raises:
        AvatarError: `head_mismatch` or `bad_request`.
    """
    preset = settings.model
    if preset.head != head.name:
        raise AvatarError(
            "head_mismatch",
            f"The preset {preset.preset!r} has the head {preset.head!r}; loaded is {head.name!r}.",
            "Load the preset's head.",
        )
    fits.check_data(data, head, preset.preset, preset.image_size)


def check_share(settings: Settings, processes: int) -> None:
    """Refuses a batch that the processes and parts cannot share evenly."""
    train = settings.train
    if train.batch % (processes * train.accumulate):
        raise AvatarError(
            "bad_request",
            f"A batch of {train.batch} cannot be shared by {processes} processes in "
            f"{train.accumulate} parts each.",
            "Make batch a multiple of processes times accumulate.",
        )


def check_new(folder: Path) -> None:
    """Refuses to begin a run where there is one."""
    if checkpoints(folder):
        raise AvatarError(
            "bad_request",
            f"{folder} already holds the checkpoints of a run.",
            "Give --resume to go on with it, or choose another folder.",
        )


def check_same_run(state: RunState, settings: Settings, head: Head) -> None:
    """Refuses to go on with a checkpoint of another head or of other settings.

    Raises:
        AvatarError: `head_mismatch`, or `bad_request` naming what differs.
    """
    if state.head != head.hash:
        raise AvatarError(
            "head_mismatch",
            f"The run's checkpoint belongs to the head {state.head[:12]}; loaded is "
            f"{head.hash[:12]}.",
            "Load the head that the run began with.",
        )
    given = settings.to_dict()
    names = sorted(
        name
        for name in (given.keys() | state.settings.keys()) - MAY_CHANGE
        if given.get(name) != state.settings.get(name)
    )
    if names:
        differing = "; ".join(
            f"{name} was {state.settings.get(name)!r} and is {given.get(name)!r}"
            for name in names[:4]
        )
        raise AvatarError(
            "bad_request",
            f"The run in this folder has other settings: {differing}.",
            "Resume with the preset it began with, or begin a run in another folder.",
        )


def start_from(path: Path, settings: Settings, head: Head) -> tuple[SplitAvatar, list[str]]:
    """A network that starts from a checkpoint's weights.

    Args:
        path: A checkpoint of the same network, or of one without the parts `NEW_PARTS` (such as
            the converted baseline, whose G0 and planes are what the paper builds on).
        settings: The network to train.
        head: Its head.

    Returns:
        The network and the names of its parts that the file did not have.

    Raises:
        AvatarError: As `load_checkpoint`; `bad_file` for weights of another network.
    """
    config, _ = read_config(path)
    loaded = load_checkpoint(path, head)
    found = checkpoint_state(loaded)
    model = SplitAvatar(settings.model, head, seed=settings.train.seed)
    model.stores_encoder = loaded.stores_encoder
    wanted = checkpoint_state(model)
    missing = sorted(wanted.keys() - found.keys())
    wrong = sorted(found.keys() - wanted.keys())
    wrong += [name for name in missing if not name.startswith(NEW_PARTS)]
    wrong += sorted(n for n in wanted.keys() & found.keys() if wanted[n].shape != found[n].shape)
    if wrong:
        raise AvatarError(
            "bad_file",
            f"{path.name} holds the preset {config.preset!r}, whose {', '.join(wrong[:4])} do not "
            f"fit the preset {settings.model.preset!r}.",
            "Choose weights of the same network.",
        )
    model.load_state_dict(found, strict=False)
    return model, sorted({name.split(".")[0] for name in missing})
