"""A tracked portrait to an avatar: as the network alone sees it, or projected and personalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from backend.avatar.file import Avatar
from backend.avatar.loaded import Loaded
from backend.avatar.personalise import assemble, masked_union, personalise
from backend.avatar.refine import near_matte
from backend.head import Head
from backend.head.head import ROOT
from backend.lifting.gaps import without_backdrop
from backend.lifting.neck_width import with_own_neck
from backend.lifting.redundancy import drop_redundant
from backend.lifting.start import Start, start
from backend.lifting.view import View
from backend.model.attributes import COLOURS
from backend.model.residuals import LayerResiduals
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.model.union import union
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians
from backend.tracking.fit import Fit, about_root
from backend.tracking.portrait import Portrait
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track
from shared.progress import Progress

ITERATIONS = 60


@dataclass(frozen=True)
class CreateOptions:
    """What decides how an avatar turns out, besides the picture.

    Args:
        face: Its number from the left, from 1; 0 or None takes the largest.
        iterations: Steps of personalisation; 0 leaves the portrait's projection as it is.
    """

    face: int | None = None
    iterations: int = ITERATIONS


def check_options(options: CreateOptions) -> None:
    """Refuses what cannot be done.

    Raises:
        AvatarError: `bad_request`.
    """
    if options.iterations < 0:
        raise AvatarError(
            "bad_request",
            f"{options.iterations} iterations were asked for; expected 0 or more.",
            "Correct the number.",
        )


def personalised_avatar(
    loaded: Loaded,
    portrait: Portrait,
    others: Sequence[Portrait],
    iterations: int,
    progress: Progress,
) -> Avatar:
    """The portrait projected onto the network's Gaussians, then improved against it.

    Args:
        loaded: A network without a neural renderer.
        portrait: The matted, fitted picture.
        others: More pictures of the person, with the same identity: what the portrait hides is
            theirs. Nothing is improved against them.
        iterations: Steps of personalisation.
        progress: Told of every step; may cancel.
    """
    model, head = loaded.model, loaded.head
    cut_out = map(without_backdrop, (portrait, *others))
    photos = [View(photo, loaded.portrait_head) for photo in cut_out]
    view, *more = with_own_neck(photos)
    portrait = view.portrait
    begin = start(view, model, more).to(loaded.device)
    with torch.no_grad():
        encoded = encode(model, begin.target.image, portrait.fit.camera)
    drop_redundant(model, encoded, begin, head)
    personalise(model, encoded, begin.personal, begin.target, iterations, progress)
    avatar = _avatar(
        loaded,
        portrait,
        _own_identity(model, encoded, begin),
        encoded.g0_raw,
        tuple(_detached(layer) for layer in begin.personal.layers),
    )
    return replace(avatar, clothes=begin.clothes, photo=_photo(portrait))


@torch.no_grad()
def encoded_avatar(loaded: Loaded, portrait: Portrait, progress: Progress) -> Avatar:
    """The avatar as the network alone sees it: nothing of it is personalised.

    Args:
        loaded: A network with a neural renderer.
        portrait: The matted, fitted picture.
        progress: Told when it is done.
    """
    model, head = loaded.model, loaded.head
    image = torch.from_numpy(portrait.matted).to(loaded.device)
    encoded = encode(model, image, portrait.fit.camera)
    planes = model.identity(encoded, None, portrait.fit.camera)
    rest = head.vertices_of(portrait.fit.track)
    layers = model.expression(encoded.g0_raw, rest, head.local_frames(rest))
    cloud = union(planes, layers)
    inside = near_matte(portrait.matte, model.config.grid).to(loaded.device)
    counts = [layer.means.shape[1] for layer in layers.layers]
    none = tuple(LayerResiduals(features=torch.zeros(n, COLOURS)) for n in counts)
    progress("encode", 1, 1)
    identity = cloud.select(cloud.layers < FIRST_EXPRESSION_LAYER)
    return _avatar(loaded, portrait, identity.select(inside), encoded.g0_raw, none)


def encode(model: SplitAvatar, image: torch.Tensor, camera: Camera) -> Encoded:
    """What the network makes of a portrait, at the size that it was trained at.

    Args:
        model: The network.
        image: [H, W, 3] on black, display sRGB 0..1.
        camera: The portrait's.
    """
    size = (model.config.image_size, model.config.image_size)
    seen = image.permute(2, 0, 1)[None]  # [1, 3, H, W]
    if seen.shape[-2:] != size:
        seen = functional.interpolate(seen, size=size, mode="bilinear", antialias=True)
    return model.encode(seen, camera)


@torch.no_grad()
def _own_identity(model: SplitAvatar, encoded: Encoded, begin: Start) -> Gaussians:
    """The personalised planes' Gaussians that exist."""
    personal, target = begin.personal, begin.target
    raw = model.expression_raw(encoded.g0_raw, target.vertices, target.frames, personal.layers)
    identity, layers = assemble(model, encoded, raw, personal, target)
    cloud = masked_union(identity, layers, personal)
    return cloud.select(cloud.layers < FIRST_EXPRESSION_LAYER)


def _avatar(
    loaded: Loaded,
    portrait: Portrait,
    identity: Gaussians,
    g0_raw: torch.Tensor,
    layers: tuple[LayerResiduals, ...],
) -> Avatar:
    source, camera = _upright(portrait.fit, loaded.portrait_head)
    avatar = Avatar(
        identity=identity,
        g0_raw=g0_raw,
        layers=layers,
        source=source,
        camera=camera,
        preset=loaded.preset,
        model_hash=loaded.model_hash,
        head_hash=loaded.head.hash,
        image_hash=portrait.digest,
    )
    return avatar.to("cpu")


def _photo(portrait: Portrait) -> torch.Tensor:
    """[1024, 1024, 4] uint8, see `Avatar.photo`."""
    assert portrait.surround is not None  # a photograph's portrait has one
    rgba = np.concatenate([portrait.matted, portrait.matte[..., None]], axis=-1)
    whole = portrait.surround.around(rgba.clip(0, 1))
    return torch.from_numpy((whole * 255 + 0.5).astype(np.uint8))


def _upright(fit: Fit, head: Head) -> tuple[Track, Camera]:
    """The portrait's parameters and camera, with the head's turn told as the head's, not the
    camera's: a torso is upright when the head on it is not.
    """
    camera = replace(fit.camera, viewmat=fit.upright(head.joints_of(None)[ROOT]))
    turn, shift = fit.motion_before(camera.viewmat)
    track = replace(fit.track, global_orient=turn[None], transl=shift[None])
    return about_root(track, head.joints_of(track.betas)[ROOT]), camera


def _detached(layer: LayerResiduals) -> LayerResiduals:
    return LayerResiduals(**{name: tensor.detach() for name, tensor in layer.tensors()})
