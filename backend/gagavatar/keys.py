"""From the tensor names of GAGAvatar's checkpoint to ours, strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from shared.errors import AvatarError

UNUSED = (
    r"percep_loss\..*",  # a training loss
    r"base_model\.refinenet\.0\.resConfUnit1\..*",  # the coarsest fusion joins nothing (Q8)
    r"upsampler\.toRGB\..*",  # left over from another renderer (Q8)
)
"""Tensors that the checkpoint holds and no picture depends on."""

_UNET = r"upsampler\."
_DECODER = r"upsampler\.stylegan_decoder\."
_MODULATED = r"modulated_conv\.(weight|modulation\.\w+)"

_RENAMES = (
    (r"base_model\.dino_model\.(.+)", r"encoder.\1"),
    (r"base_model\.projects\.(.+)", r"adapter.projections.\1"),
    (r"base_model\.resize_layers\.(.+)", r"adapter.resizes.\1"),
    (r"base_model\.layer_rn\.(.+)", r"adapter.merges.\1"),
    (r"base_model\.output_conv\.(.+)", r"adapter.output.\1"),
    # its fusions count from coarse to fine, ours as the levels do
    *(
        (rf"base_model\.refinenet\.{i}\.{theirs}\.(.+)", rf"adapter.fusions.{3 - i}.{ours}.\1")
        for i in range(4)
        for theirs, ours in (
            ("out_conv", "out"),
            ("resConfUnit1", "level"),
            ("resConfUnit2", "joined"),
        )
    ),
    # l0 lies behind the plane, l1 before it
    (r"gs_generator_l0\.gaussian_conv\.(.+)", r"adapter.planes.1.\1"),
    (r"gs_generator_l1\.gaussian_conv\.(.+)", r"adapter.planes.0.\1"),
    (r"head_base", r"generator.embedding"),
    (r"gs_generator_g\.feature_layers\.(.+)", r"generator.trunk.\1"),
    (r"gs_generator_g\.color_layers\.(.+)", r"generator.heads.features.\1"),
    (r"gs_generator_g\.(opacity|scale|rotation)_layers\.(.+)", r"generator.heads.\1.\2"),
    (_UNET + r"conv_body_first\.(.+)", r"renderer.first.\1"),
    (_UNET + r"conv_body_(down|up)\.(.+)", r"renderer.\1.\2"),
    (_UNET + r"final_conv\.(.+)", r"renderer.middle.\1"),
    (_UNET + r"final_linear\.(.+)", r"renderer.style.\1"),
    (_UNET + r"condition_(scale|shift)\.(.+)", r"renderer.\1.\2"),
    # its mapping counts the norm and the activations in between
    *((_DECODER + rf"style_mlp\.{2 * i + 1}\.(.+)", rf"renderer.mapping.{i}.\1") for i in range(8)),
    (_DECODER + r"constant_input\.weight", r"renderer.constant"),
    (_DECODER + r"noises\.noise(\d+)", r"renderer.noise_\1"),
    *(
        (_DECODER + theirs + tail, ours + new)
        for theirs, ours in (
            (r"style_conv1\.", r"renderer.convs.0."),
            *((rf"style_convs\.{i}\.", rf"renderer.convs.{i + 1}.") for i in range(14)),
        )
        for tail, new in (("weight", "strength"), ("bias", "bias"), (_MODULATED, r"conv.\1"))
    ),
    *(
        (_DECODER + theirs + tail, ours + new)
        for theirs, ours in (
            (r"to_rgb1\.", r"renderer.to_picture.0."),
            *((rf"to_rgbs\.{i}\.", rf"renderer.to_picture.{i + 1}.") for i in range(7)),
        )
        for tail, new in (("bias", "bias"), (_MODULATED, r"conv.\1"))
    ),
)


def our_name(theirs: str) -> str | None:
    """Our name of one tensor of the checkpoint; None: known and unused.

    Raises:
        KeyError: The name is unknown.
    """
    if any(re.fullmatch(pattern, theirs) for pattern in UNUSED):
        return None
    for pattern, replacement in _RENAMES:
        match = re.fullmatch(pattern, theirs)
        if match:
            return match.expand(replacement)
    raise KeyError(theirs)


def translate(theirs: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's tensors under our names and in our shapes.

    Args:
        theirs: The checkpoint's `model`.
        wanted: Our network's state, for names and shapes.

    Raises:
        AvatarError: `bad_file`, naming tensors that are unknown, missing, or of another shape.
    """
    found: dict[str, Tensor] = {}
    unknown, misshapen = [], []
    for name, value in theirs.items():
        try:
            ours = our_name(name)
        except KeyError:
            unknown.append(name)
            continue
        if ours is None:
            continue
        if ours not in wanted:
            unknown.append(name)
        elif _core(value.shape) != _core(wanted[ours].shape):
            misshapen.append(f"{name} {list(value.shape)} (expected {list(wanted[ours].shape)})")
        else:
            found[ours] = value.detach().float().reshape(wanted[ours].shape).contiguous()
    missing = sorted(set(wanted) - set(found))
    if unknown or misshapen or missing:
        raise AvatarError(
            "bad_file",
            "The file is not a GAGAvatar checkpoint that we know: "
            + "; ".join(
                f"{what}: {_listed(names)}"
                for what, names in (
                    ("unknown tensors", unknown),
                    ("tensors of another shape", misshapen),
                    ("tensors missing for our", missing),
                )
                if names
            )
            + ".",
            "Use GAGAvatar.pt as its authors published it.",
        )
    broken = sorted(name for name, value in found.items() if not torch.isfinite(value).all())
    if broken:
        raise AvatarError(
            "bad_file",
            f"The checkpoint has values that are not finite in {_listed(broken)}.",
            "Download GAGAvatar.pt again.",
        )
    return found


def _core(shape: Iterable[int]) -> tuple[int, ...]:
    """A shape without its ones: the checkpoint keeps broadcast dimensions, we do not."""
    return tuple(size for size in shape if size != 1)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
