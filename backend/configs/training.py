"""Every number that shapes training; it shares the presets' flat files with the network's.

Here rather than in `backend/training`, because reading any preset has to know these keys, and what
only draws avatars does not import the training.
"""

from __future__ import annotations

from dataclasses import dataclass

from .checks import Refusal

_CHOICES: dict[str, tuple[str, ...]] = {
    "precision": ("32", "bf16-mixed", "16-mixed"),
    "perceptual": ("none", "effnet", "vgg16", "alexnet_vggface"),
    "start": ("none", "portrait"),
    "driver_shape": ("source", "target"),
}
_AT_LEAST_ONE = (
    "batch",
    "accumulate",
    "iterations",
    "checkpoint_every",
    "keep_checkpoints",
    "validate_pairs",
)
_NOT_NEGATIVE = ("image_every", "sources_per_clip", "validate_every", "workers", "seed")

_refuse = Refusal(
    "training",
    "bad_request",
    "Correct the preset.",
)


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. The defaults are the paper's (Sec. 4.1) where it says.

    Args:
        lr: Adam's learning rate.
        lr_end: Factor that the rate has fallen to, in a straight line, at the last iteration; 1
            keeps it constant (baseline: .1).
        lr_names: Parts of parameter names between dots whose rate is multiplied (baseline: its
            style_mlp and final_linear, here mapping and style).
        lr_factors: The factor for each of `lr_names` (baseline: .1).
        betas: Adam's (baseline: 0, .99).
        batch: Pairs per step, over all processes and accumulated parts.
        accumulate: Parts that each process works through one after another, to save memory.
        iterations: Steps.
        seed: Decides the pairs of every step and all noise.
        precision: `32`, `bf16-mixed` or `16-mixed`; rasterising is always done in 32 bits.
        weight_image: Weight of Eq. 15.
        weight_perceptual: Weight of Eq. 16 (baseline: .01).
        weight_lifting: Weight of Eq. 17 (baseline: 10).
        weight_split: Weight of Eq. 18.
        box_share: Part of the image term that looks at the head's box only (baseline: .5).
        perceptual: Feature network of Eq. 16: `none`, `effnet`, `vgg16` or `alexnet_vggface`.
        perceptual_box: The perceptual term sees the head's box only (baseline).
        mask_gradient: Dropped Gaussians can come back (method.md 3).
        start: Residuals that every source brings along: `none` or its `portrait`'s projection.
        sources_per_clip: Sources come from that many first frames of a clip; 0: from all. It
            bounds how many portraits' starts are made and kept. 1: a clip's first frame is its only
            source and never a target, as in round trips' stores.
        driver_shape: Whose identity poses the driving head: the `source`'s, as when the network
            is used, or the `target`'s (baseline).
        checkpoint_every: Steps between two checkpoints.
        keep_checkpoints: How many of the last ones stay.
        image_every: Steps between two logged pictures; 0: none.
        validate_every: Steps between two looks at the `val` split; 0: none.
        validate_pairs: Fixed pairs of that split, 1 or more.
        workers: Threads that read pairs ahead; 0: none.
    """

    lr: float = 1e-4
    lr_end: float = 1.0
    lr_names: tuple[str, ...] = ()
    lr_factors: tuple[float, ...] = ()
    betas: tuple[float, ...] = (0.9, 0.999)
    batch: int = 4
    accumulate: int = 1
    iterations: int = 200_000
    seed: int = 0
    precision: str = "32"
    weight_image: float = 1.0
    weight_perceptual: float = 0.5
    weight_lifting: float = 1.0
    weight_split: float = 0.5
    box_share: float = 0.0
    perceptual: str = "effnet"
    perceptual_box: bool = False
    mask_gradient: bool = True
    start: str = "none"
    sources_per_clip: int = 0
    driver_shape: str = "source"
    checkpoint_every: int = 1000
    keep_checkpoints: int = 2
    image_every: int = 500
    validate_every: int = 1000
    validate_pairs: int = 16
    workers: int = 2

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                _refuse(name, getattr(self, name), f"one of {', '.join(allowed)}")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                _refuse(name, getattr(self, name), "1 or more")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                _refuse(name, getattr(self, name), "0 or more")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            _refuse("betas", self.betas, "two numbers from 0 to below 1")
        if len(self.lr_names) != len(self.lr_factors):
            _refuse("lr_factors", self.lr_factors, f"one for each of lr_names {self.lr_names}")
        if self.lr <= 0 or self.lr_end <= 0:
            _refuse("lr", (self.lr, self.lr_end), "lr and lr_end above 0")
        if not 0 <= self.box_share <= 1:
            _refuse("box_share", self.box_share, "0 to 1")
