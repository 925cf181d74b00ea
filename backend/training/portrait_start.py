"""Every source's own start: its pixels on the head and the planes, kept on disk.

The network then learns corrections: its last layers start at zero, so that step 0 shows exactly
what the portrait alone gives.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from backend.configs.network import PER_LAYER, ModelConfig
from backend.data.fits import check_frame
from backend.data.frame import Frame
from backend.head import Head
from backend.lifting.start import start
from backend.lifting.view import View
from backend.model.pictures import Own
from backend.model.residuals import IdentityResiduals, LayerResiduals
from backend.model.splitavatar import SplitAvatar
from backend.process import end_with_parent
from backend.splat.gaussians import Gaussians
from backend.tracking.crop import PORTRAIT_PX, Crop
from backend.tracking.fit import Fit
from backend.tracking.landmarks import closed_eyes
from backend.tracking.portrait import Portrait
from backend.training.spread_start import sited_model, spread
from shared.atomic import replacing
from shared.errors import AvatarError
from shared.progress import Progress, silent

_VERSION = 2  # of the files: another one makes them anew
_LEAST_MATTE = 0.05
_AT_ONCE = 32  # frames in memory
_SHAPING = (
    "grid", "layers", "split", "cell_centres", "offset_along", "plane_offset_m", "plane_scale_m",
    "sites", "g0_copies", "local_quats", "scale_form", "disc_thickness", *PER_LAYER,
)  # fmt: skip
"""Settings that change the residuals."""


@dataclass(frozen=True)
class _Missing:
    """A frame whose start is still to be made."""

    frame: Frame
    path: Path


class PortraitStart:
    """The residuals of tracked frames, each made once.

    Args:
        model: Gives sites and scale factors; its weights do not matter.
        head: The head of the frames.
        cache: Folder of the files, a few MB each; shared by runs, keyed by what they come from.
    """

    def __init__(self, model: SplitAvatar, head: Head, cache: Path) -> None:
        self._model, self._head, self._cache = model, head.to("cpu"), cache
        self._settings = {name: getattr(model.config, name) for name in _SHAPING}

    def of(self, frame: Frame) -> Own:
        """One source's residuals, on the network's device.

        Args:
            frame: A tracked frame; where it has no matte, what is not black is the person.

        Raises:
            AvatarError: `head_mismatch` for another head's frame, `bad_request` for a picture
                without a person.
        """
        path = self._path(frame)
        tensors = _read(path)
        if tensors is None:
            _write(path, _make(frame, self._head, self._model))
            tensors = _read(path)
            assert tensors is not None
        device = next(self._model.buffers()).device
        return _own({name: value.to(device) for name, value in tensors.items()})

    def prepare(
        self, frames: Iterable[Frame], progress: Progress = silent, processes: int | None = None
    ) -> int:
        """Makes what is missing, several at once.

        Args:
            frames: Sources to come, read as they are needed.
            progress: Told after each.
            processes: At once; None: one per core.

        Returns:
            How many were made.
        """
        made = 0
        missing = (_Missing(f, path) for f in frames if not (path := self._path(f)).is_file())
        first = list(islice(missing, _AT_ONCE))
        if not first:
            return 0
        settings = (self._model.config, self._head)
        count = min(processes or os.cpu_count() or 1, len(first))
        with ProcessPoolExecutor(count, get_context("spawn"), _open_worker, settings) as pool:
            try:
                while first:
                    for _ in pool.map(_work, first):
                        made += 1
                        progress("portraits", made, 0)
                    first = list(islice(missing, _AT_ONCE))
            finally:
                pool.shutdown(cancel_futures=True)
        return made

    def _path(self, frame: Frame) -> Path:
        check_frame(frame, self._head)
        facts = {"version": _VERSION, "head": self._head.hash, **self._settings}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        digest.update(repr((frame.camera.width, frame.camera.height)).encode())
        parts = [frame.image, frame.camera.viewmat, frame.camera.K]
        parts += [] if frame.alpha is None else [frame.alpha]
        parts += frame.track.to_arrays().values()
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
        return self._cache / f"{digest.hexdigest()[:32]}.safetensors"


_worker: tuple[Head, SplitAvatar] | None = None
"""One per worker process."""


def _open_worker(config: ModelConfig, head: Head) -> None:
    global _worker
    end_with_parent()
    torch.set_num_threads(1)
    _worker = head, SplitAvatar(config, head)


def _work(missing: _Missing) -> None:
    assert _worker is not None
    _write(missing.path, _make(missing.frame, *_worker))


def portrait_of(frame: Frame, head: Head) -> Portrait:
    """A tracked frame as the tracker would have handed it over.

    Args:
        frame: Any size; lifting works in the portrait crop's 512 pixels, so it is resized.
        head: The head of its parameters, whose landmarks stand in for detected ones.
    """
    if frame.alpha is None:
        alpha = matte_of(frame.image)
    else:
        alpha = frame.alpha.astype(np.float32) / 255
    where = f"Frame {frame.index} of clip {frame.clip!r}"
    if alpha.mean() < _LEAST_MATTE:
        raise AvatarError(
            "bad_request",
            f"{where}: the person fills {alpha.mean():.1%} of the picture; at least "
            f"{_LEAST_MATTE:.0%} are needed.",
            "Leave this clip out of the splits.",
        )
    rgb = frame.image.astype(np.float32) / 255 / np.maximum(alpha, 0.1)[..., None]
    camera = frame.camera.resized(PORTRAIT_PX, PORTRAIT_PX)
    vertices = head.vertices_of(frame.track)[0]
    landmarks = camera.project(head.embed_landmarks(vertices).numpy())
    return Portrait(
        rgb=np.clip(_resized(rgb), 0, 1),
        matte=np.clip(_resized(alpha), 0, 1),
        surround=None,
        landmarks=landmarks,
        closed_eyes=closed_eyes(landmarks, {}),
        crop=Crop(0.0, 0.0, PORTRAIT_PX),
        fit=Fit(frame.track, camera, error_px=0.0),
        digest=hashlib.sha256(frame.image.tobytes()).hexdigest(),
    )


def matte_of(image: np.ndarray) -> np.ndarray:
    """[S, S] float32 0 or 1: the largest thing that is not black, without holes.

    Args:
        image: [S, S, 3] uint8 on black, possibly with a JPEG's noise.
    """
    bright = (image.max(-1) > _BLACK).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright)
    if count < 2:
        return np.zeros(image.shape[:2], np.float32)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    outlines, _ = cv2.findContours(
        (labels == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    filled = np.zeros(image.shape[:2], np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return filled.astype(np.float32)


_BLACK = 12  # of 255: JPEG rings beside an edge stay below


def _resized(image: np.ndarray) -> np.ndarray:
    if image.shape[0] == PORTRAIT_PX:
        return image
    shrinks = image.shape[0] > PORTRAIT_PX
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, (PORTRAIT_PX, PORTRAIT_PX), interpolation=how)


@torch.no_grad()
def _make(frame: Frame, head: Head, model: SplitAvatar) -> dict[str, Tensor]:
    portrait, config = portrait_of(frame, head), model.config
    begin = model if config.sites else sited_model(config, head)
    personal = start(View(portrait, head), begin).personal
    layers = personal.layers if config.sites else spread(personal.layers[0], config)
    tensors = {"identity_mask": personal.identity_mask}
    for field in fields(Gaussians):
        tensors[f"fixed.{field.name}"] = getattr(personal.fixed, field.name)
    for name, tensor in personal.identity.tensors():
        tensors[f"identity.{name}"] = tensor.half()
    for index, layer in enumerate(layers):
        for name, tensor in layer.tensors():
            tensors[f"layer{index}.{name}"] = tensor.half()
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    with replacing(path) as temporary:
        safetensors.torch.save_file(tensors, temporary)


def _read(path: Path) -> dict[str, Tensor] | None:
    """The file's tensors; None where there is none, or none that can be read."""
    try:
        # Not mapped: a file that shrinks under a mapping kills the process.
        return safetensors.torch.load(path.read_bytes())
    except (FileNotFoundError, SafetensorError):
        return None


def _own(tensors: dict[str, Tensor]) -> Own:
    def part(prefix: str) -> Iterator[tuple[str, Tensor]]:
        for name, tensor in tensors.items():
            if name.startswith(prefix + "."):
                yield name.removeprefix(prefix + "."), tensor.float()

    count = 1 + max(int(n[5 : n.index(".")]) for n in tensors if n.startswith("layer"))
    return Own(
        identity=IdentityResiduals(**dict(part("identity"))),
        layers=[LayerResiduals(**dict(part(f"layer{i}"))) for i in range(count)],
        identity_mask=tensors["identity_mask"],
        fixed=Gaussians(**{f.name: tensors[f"fixed.{f.name}"] for f in fields(Gaussians)}),
    )
