"""Tables 3 to 5: every variant trained under identical steps, seed and data, then compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.configs.network import PER_LAYER
from backend.configs.presets import load_preset
from backend.data.frame import FrameSource
from backend.head import load_head
from backend.training.checkpoints import latest, read_state
from backend.training.run import train
from backend.training.settings import Settings, settings_of
from backend.training.trainer import CHECKPOINTS, WEIGHTS
from shared.errors import AvatarError
from shared.progress import Progress

from .network import open_network
from .paper import table
from .plan import plan
from .predict import write_results

TABLES = (3, 4, 5)
REFERENCE = "paper"
"""The preset that the variants' files differ from; also the name of the full method's row."""

SHARED = {"sites": False}
"""What every variant must have alike: fixed sites are stored for k = 2 only."""


def variants() -> list[str]:
    """Presets of all rows of Tables 3 to 5, each once."""
    return list(dict.fromkeys(row.preset for number in TABLES for row in table(number).rows))


def variant_values(variant: str, base: str, **changes: Any) -> dict[str, Any]:
    """A variant at the size of another preset.

    Args:
        variant: One of `variants()`.
        base: The preset that gives everything a variant does not change.
        changes: Values that all variants get.

    Returns:
        Preset values: the base's, what the variant's file changes of `paper`, `SHARED`, and
        `changes`. Per-layer lists are the base's, cut or with their last number repeated.

    Raises:
        AvatarError: As `load_preset`; `bad_request` for an unknown variant.
    """
    if variant not in variants():
        raise AvatarError(
            "bad_request",
            f"There is no variant {variant!r} in Tables 3 to 5.",
            f"Choose some of {', '.join(variants())}.",
        )
    reference, own = load_preset(REFERENCE), load_preset(variant)
    differences = {
        name: value
        for name, value in own.items()
        if name not in PER_LAYER and reference.get(name) != value
    }
    values = {**load_preset(base), **differences, **SHARED, **changes, "preset": variant}
    for name in PER_LAYER:
        values[name] = _of_length(list(values[name]), values["layers"] + 1)
    return values


def variant_settings(variant: str, base: str, **changes: Any) -> Settings:
    """`variant_values`, resolved; every number of the training is the base's."""
    return settings_of(variant_values(variant, base, **changes))


def run_variant(
    settings: Settings,
    data: FrameSource,
    split: str,
    out: Path,
    limit: int | None,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Trains a variant, or goes on with it, and makes its pictures.

    Args:
        settings: From `variant_settings`.
        data: Trains on its `train` split.
        split: The split whose clips it then animates.
        out: `runs/<variant>` and `results` are below it.
        limit: At most so many frames per clip.
        device: `cpu` or `cuda`.
        progress: Told after each step and picture, under the variant's name.

    Returns:
        Variant, steps and the last step's loss (None where there was nothing left to train).

    Raises:
        AvatarError: As `train` and `write_results`.
    """
    name = settings.model.preset
    run = out / "runs" / name

    def tell(phase: str, done: float, total: float) -> None:
        progress(f"{name}: {phase}", done, total)

    head, loss, portraits = load_head(settings.model.head), None, out / "portraits"
    steps = _steps_done(run)
    if steps < settings.train.iterations:
        outcome = train(
            settings, data, head, run, resume=steps > 0, portraits=portraits, progress=tell
        )
        steps, loss = outcome.step, outcome.loss
    network = open_network(settings, run / WEIGHTS, portraits, device)
    write_results(network, data, out / "results", plan(data, split, None, limit).tasks, tell)
    return {"variant": name, "steps": steps, "loss": loss}


def choose(names: Sequence[str] | None) -> list[str]:
    """The variants to train: those asked for, or all."""
    return list(names) if names else variants()


def _steps_done(run: Path) -> int:
    folder = run / CHECKPOINTS
    if not any(folder.glob("step-*.safetensors")):
        return 0
    return read_state(latest(folder)).step


def _of_length(values: list[float], count: int) -> list[float]:
    return values[:count] + values[-1:] * (count - len(values))
