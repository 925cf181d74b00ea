"""Looks at fixed pairs of the `val` split while a run goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from backend.configs.training import TrainConfig
from backend.data.frame import FrameSource, Pair
from backend.training.learner import Learner, Part
from backend.training.sampling import validation_names
from shared.errors import AvatarError


class Validation:
    """The same pairs every time, shared among the processes.

    Args:
        data: The data set.
        config: `validate_every` (0: the split need not exist), `validate_pairs`.
        learner: The network with its objective.
        part: Makes a part of pairs.
        fabric: The engine.

    Raises:
        AvatarError: `bad_request` for a split that is missing or gives too few pairs.
    """

    def __init__(
        self,
        data: FrameSource,
        config: TrainConfig,
        learner: Learner,
        part: Callable[[list[Pair]], Part],
        fabric: Any,
    ) -> None:
        self._data, self._learner, self._part, self._fabric = data, learner, part, fabric
        looks = config.validate_every > 0
        self._names = validation_names(data, "val", config.validate_pairs) if looks else []
        if looks and len(self._names) < fabric.world_size:
            raise AvatarError(
                "bad_request",
                f"The split val gives {len(self._names)} pairs to look at; expected one for each "
                f"of {fabric.world_size} processes at least.",
                "Set validate_every = 0, raise validate_pairs, or add clips of several frames.",
            )

    @torch.no_grad()
    def look(self) -> dict[str, float]:
        """Means over the pairs: every term as `val_TERM`, and the picture's `val_psnr`, dB."""
        sums: dict[str, float] = {}
        self._learner.eval()
        mine = self._names[self._fabric.global_rank :: self._fabric.world_size]
        for clip, source, target in mine:
            pair = Pair(self._data.read(clip, source), self._data.read(clip, target))
            for name, value in self._measure(self._part([pair])).items():
                sums[name] = sums.get(name, 0.0) + value
        self._learner.train()
        totals = torch.tensor(list(sums.values()), device=self._fabric.device)
        totals = self._fabric.all_reduce(totals, reduce_op="sum") / len(self._names)
        return dict(zip(sums, totals.tolist(), strict=True))

    def _measure(self, part: Part) -> dict[str, float]:
        with self._fabric.autocast():
            terms = self._learner(part)
        pictures = part.pictures
        assert pictures is not None
        shown = pictures.coarse if pictures.fine is None else pictures.fine
        error = (shown.float().clamp(0, 1) - part.batch.target_images).square().mean()
        found = {f"val_{name}": float(value) for name, value in terms.items()}
        return {**found, "val_psnr": float(-10 * torch.log10(error.clamp_min(1e-10)))}
