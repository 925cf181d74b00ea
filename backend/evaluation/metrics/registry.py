"""All metrics by name, and which of them can be had here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.errors import AvatarError

from .faces import FaceReader
from .shot import Metric

PAPER = ("psnr", "ssim", "lpips", "csim", "aed", "apd", "akd")
STAND_INS = (
    "psnr_face",
    "lpips_alex",
    "lpips_effnet",
    "csim_dlib",
    "expr_dist_arkit",
    "pose_dist_mp",
    "akd_mp",
)
METRICS = PAPER + STAND_INS
"""In the order of tables: the paper's, then ours."""

LOWER_IS_BETTER = frozenset(METRICS) - {"psnr", "psnr_face", "ssim", "csim", "csim_dlib"}

SAME_PERSON = frozenset({"psnr", "psnr_face", "ssim", "lpips", "lpips_alex", "lpips_effnet"})
"""Metrics that need the true picture, so that cross-reenactment has none of them."""


@dataclass(frozen=True)
class Unavailable:
    """A metric that was not measured, and why."""

    name: str
    reason: str


def open_metric(name: str, reader: FaceReader, root: Path, device: str = "cpu") -> Metric:
    """A metric, ready to measure.

    Args:
        name: Out of `METRICS`.
        reader: Shared by all metrics that need a face.
        root: The results folder; AED, APD and AKD need the numbers that lie in it.
        device: For LPIPS.

    Raises:
        AvatarError: `missing_weights`, `bad_file`, or `bad_request` for an unknown name.
    """
    from . import effnet, faces, identity, lpips, pixels, precomputed

    makers = {
        "psnr": pixels.Psnr,
        "psnr_face": lambda: faces.PsnrFace(reader),
        "ssim": pixels.Ssim,
        "lpips": lambda: lpips.Lpips("vgg", device),
        "lpips_alex": lambda: lpips.Lpips("alex", device),
        "lpips_effnet": effnet.LpipsEffnet,
        "csim": lambda: identity.Csim(reader),
        "csim_dlib": lambda: identity.CsimDlib(reader),
        "expr_dist_arkit": lambda: faces.ExprDistArkit(reader),
        "pose_dist_mp": lambda: faces.PoseDistMp(reader),
        "akd_mp": lambda: faces.AkdMp(reader),
        "aed": lambda: precomputed.Aed(root),
        "apd": lambda: precomputed.Apd(root),
        "akd": lambda: precomputed.Akd(root),
    }
    if name not in makers:
        raise AvatarError(
            "bad_request", f"There is no metric {name!r}.", f"Choose out of {', '.join(METRICS)}."
        )
    return makers[name]()


def choose(
    names: Sequence[str] | None, reader: FaceReader, root: Path, task: str, device: str = "cpu"
) -> tuple[list[Metric], list[Unavailable]]:
    """The metrics to measure, and those that cannot be.

    Args:
        names: Asked for by the user, who is told when one is missing; None: whatever is there.
        reader: As `open_metric`.
        root: As `open_metric`.
        task: `self` or `cross`.
        device: As `open_metric`.

    Raises:
        AvatarError: As `open_metric`, for metrics that were asked for by name.
    """
    opened: list[Metric] = []
    missing: list[Unavailable] = []
    for name in METRICS if names is None else names:
        if task == "cross" and name in SAME_PERSON:
            continue
        try:
            opened.append(open_metric(name, reader, root, device))
        except AvatarError as error:
            if names is not None or error.code != "missing_weights":
                raise
            missing.append(Unavailable(name, f"{error.message} {error.remedy}"))
    return opened, missing
