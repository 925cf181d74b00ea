"""The avatar: everything one portrait became, and its file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from backend.export.png import decoded, encoded
from backend.model.residuals import LayerResiduals
from backend.splat.gaussians import Gaussians
from backend.tracking.surround import wider
from shared.atomic import write_bytes
from shared.camera import Camera
from shared.errors import AvatarError, said
from shared.flame import Track
from shared.os_errors import os_error

FORMAT = "savatar-1"
_CLOUD = ("means", "quats", "scales", "opacities", "features", "layers")
_LAYER = tuple(field.name for field in fields(LayerResiduals))
_LAYER_SHAPES: dict[str, tuple[int, ...]] = {
    "opacity": (),
    "scale": (3,),
    "offset": (3,),
    "quat": (4,),
    "mask": (),
}
_MOST_PX = 16384


@dataclass(frozen=True)
class Avatar:
    """One person's head.

    Args:
        identity: The planes' Gaussians that exist, and those around them, unrotated, head space.
        g0_raw: [1, V, 11 + C] the generator's output for the portrait.
        layers: The avatar's own residuals of G0..GL.
        source: The portrait's own parameters (one frame, with betas), its head's turn included;
            shoulders stay where this turn puts them.
        camera: The portrait's camera, 512x512, upright before the torso.
        preset: Name of the network's preset.
        model_hash: Which weights made it.
        head_hash: Which head drives it.
        image_hash: sha256 of the source picture.
        clothes: [N] bool: Gaussians of `identity` that are clothes on the torso; None where only
            their height tells.
        photo: [1024, 1024, 4] uint8 the portrait by `photo_camera`, display sRGB on black and its
            matte; None where a neural renderer draws pictures.
    """

    identity: Gaussians
    g0_raw: Tensor
    layers: tuple[LayerResiduals, ...]
    source: Track
    camera: Camera
    preset: str
    model_hash: str
    head_hash: str
    image_hash: str
    clothes: Tensor | None = None
    photo: Tensor | None = None

    @property
    def photo_camera(self) -> Camera:
        """The portrait's camera with a wider picture: what lies around the crop is on it too."""
        return wider(self.camera)

    def clothes_of(self, cloud: Gaussians) -> Tensor:
        """[N] bool: which Gaussians, the identity's first, are clothes on the torso."""
        clothes = self.clothes
        if clothes is None:
            return torch.zeros(len(cloud), dtype=torch.bool, device=cloud.means.device)
        return torch.nn.functional.pad(clothes, (0, len(cloud) - len(clothes)))

    def save(self, path: Path) -> None:
        """Writes a `.savatar` (one safetensors file, JSON metadata), atomically.

        Raises:
            AvatarError: When it cannot be written, see `os_error`.
        """
        metadata = {
            "format": FORMAT,
            "preset": self.preset,
            "model_hash": self.model_hash,
            "head_hash": self.head_hash,
            "image_hash": self.image_hash,
            "head": self.source.head,
            "camera_size": json.dumps([self.camera.width, self.camera.height]),
            "licence": "The avatar belongs to whoever holds the rights in the portrait.",
        }
        data = save({k: v.contiguous() for k, v in self._tensors().items()}, metadata)
        try:
            write_bytes(path, data)
        except OSError as error:
            raise os_error(error, path if error.filename is None else None) from error

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"identity.{name}": getattr(self.identity, name) for name in _CLOUD}
        tensors["g0_raw"] = self.g0_raw
        for index, layer in enumerate(self.layers):
            tensors |= {f"layers.{index}.{name}": value for name, value in layer.tensors()}
        for name, array in self.source.to_arrays().items():
            tensors[f"source.{name}"] = torch.from_numpy(np.array(array))
        tensors["camera.viewmat"] = torch.from_numpy(self.camera.viewmat)
        tensors["camera.K"] = torch.from_numpy(self.camera.K)
        if self.clothes is not None:
            tensors["clothes"] = self.clothes
        if self.photo is not None:
            file = encoded(self.photo.cpu().numpy())
            tensors["photo"] = torch.from_numpy(np.frombuffer(file, np.uint8).copy())
        return tensors

    @classmethod
    def load(cls, path: Path) -> Avatar:
        """Reads a `.savatar`.

        Raises:
            AvatarError: `bad_file` for a missing, damaged or foreign file.
        """
        try:
            path.open("rb").close()  # safetensors does not tell why not
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                # copies: the file maps them where its header ends, and sums depend on alignment
                tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
        except OSError as error:
            raise os_error(error, path) from error
        except SafetensorError as error:
            raise _bad(path, f"is not a whole avatar file ({error})") from error
        if metadata.get("format") != FORMAT:
            found = metadata.get("format", "none")
            raise _bad(path, f"has the format {found!r}; expected {FORMAT!r}")
        try:
            return _from_tensors(tensors, metadata)
        except AvatarError as error:
            raise _bad(path, f"has a part that cannot be ({error.message})") from error
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            reason = said(error)
            raise _bad(path, f"lacks a part or has one of another shape ({reason})") from error

    def to(self, device: str) -> Avatar:
        """The same avatar with its tensors on another device."""
        return replace(
            self,
            identity=self.identity.to(device),
            g0_raw=self.g0_raw.to(device),
            layers=tuple(layer.to(device) for layer in self.layers),
            clothes=None if self.clothes is None else self.clothes.to(device),
            photo=None if self.photo is None else self.photo.to(device),
        )

    def neutral(self) -> Track:
        """One frame of this person with no expression and no motion."""
        return Track.neutral(1, betas=self.source.betas, head=self.source.head)


def _from_tensors(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> Avatar:
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
    cloud = {name: tensors[f"identity.{name}"] for name in _CLOUD}
    count = len(cloud["means"])
    identity = Gaussians(**cloud, vertices=torch.full((count,), -1, dtype=torch.int32))
    layers = []
    while f"layers.{len(layers)}.features" in tensors:
        prefix = f"layers.{len(layers)}."
        layers.append(LayerResiduals(**{n: tensors.get(prefix + n) for n in _LAYER}))
    source = {
        name.removeprefix("source."): value.numpy()
        for name, value in tensors.items()
        if name.startswith("source.")
    }
    width, height = _camera_size(metadata["camera_size"])
    track = Track.from_arrays(source, head=metadata["head"])
    if len(track) != 1 or track.betas is None:
        raise ValueError(f"source has {len(track)} frames; expected one, with betas")
    _check_layers(tensors["g0_raw"], layers)
    camera = Camera(tensors["camera.viewmat"].numpy(), tensors["camera.K"].numpy(), width, height)
    return Avatar(
        identity=identity,
        g0_raw=tensors["g0_raw"],
        layers=tuple(layers),
        source=track,
        camera=camera,
        preset=metadata["preset"],
        model_hash=metadata["model_hash"],
        head_hash=metadata["head_hash"],
        image_hash=metadata["image_hash"],
        clothes=_clothes(tensors.get("clothes"), count),
        photo=_photo(tensors.get("photo"), wider(camera)),
    )


def _camera_size(text: str) -> tuple[int, int]:
    size = json.loads(text)
    fits = isinstance(size, list) and len(size) == 2
    if not fits or any(type(side) is not int or not 0 < side <= _MOST_PX for side in size):
        raise ValueError(f"camera_size is {text}; expected two sides of 1 to {_MOST_PX} pixels")
    return size[0], size[1]


def _clothes(clothes: Tensor | None, count: int) -> Tensor | None:
    """[count] bool, as expected."""
    if clothes is not None and (clothes.shape != (count,) or clothes.dtype != torch.bool):
        raise ValueError(
            f"clothes are {list(clothes.shape)} {clothes.dtype}; expected [{count}] bool"
        )
    return clothes


def _photo(file: Tensor | None, camera: Camera) -> Tensor | None:
    """What the camera sees, of a PNG's bytes [N] uint8."""
    if file is None:
        return None
    return torch.from_numpy(decoded(file.numpy().tobytes(), camera.width, camera.height))


def _check_layers(g0_raw: Tensor, layers: list[LayerResiduals]) -> None:
    """G0 has one Gaussian per vertex, the others a multiple."""
    if g0_raw.ndim != 3 or len(g0_raw) != 1 or not layers:
        raise ValueError(
            f"g0_raw is {list(g0_raw.shape)} with {len(layers)} layers; expected [1, V, C] and some"
        )
    vertices = g0_raw.shape[1]
    for index, layer in enumerate(layers):
        count = len(layer.features) if layer.features is not None else 0
        for name, value in layer.tensors():
            expected = (count, *_LAYER_SHAPES.get(name, value.shape[1:][-1:]))
            if value.shape != expected or not value.is_floating_point():
                raise ValueError(
                    f"layers.{index}.{name} is {list(value.shape)} {value.dtype}; expected "
                    f"{list(expected)} floats"
                )
        multiple = count > 0 and count % vertices == 0 and (index > 0 or count == vertices)
        if not multiple:
            raise ValueError(f"layers.{index} has {count} Gaussians for {vertices} vertices")


def _bad(path: Path, what: str) -> AvatarError:
    return AvatarError(
        "bad_file", f"{path} {what}.", "Choose a .savatar file, or create the avatar again."
    )
