"""What the backend can do, without any server: create, track, drive, render."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from backend.avatar.file import Avatar
from backend.avatar.personalise import assemble, masked_union, personalise
from backend.avatar.pose import posed, torso_weights
from backend.avatar.refine import near_matte, refined
from backend.avatar.weights import trained_weights
from backend.configs import presets
from backend.configs.network import model_config
from backend.head import load_head
from backend.lifting.redundancy import drop_redundant
from backend.lifting.start import Start, start
from backend.model.checkpoint import checkpoint_state, load_checkpoint
from backend.model.residuals import LayerResiduals
from backend.model.splitavatar import Encoded, SplitAvatar
from backend.model.union import union
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians
from backend.splat.rasterise import rasterise
from backend.tracking.portrait import Portrait, Tracker
from backend.tracking.video import Tracked, track_video
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track
from shared.progress import Progress, silent

ABLATIONS = frozenset({"expression", "gsn", "masks"})
ITERATIONS = 90
_COLOURS = 3


@dataclass(frozen=True)
class CreateOptions:
    """What decides how an avatar turns out, besides the picture.

    Args:
        face: Which face, from left to right; None takes the largest.
        iterations: Steps of personalisation; 0 leaves the portrait's projection as it is.
    """

    face: int | None = None
    iterations: int = ITERATIONS


@dataclass(frozen=True)
class Frame:
    """A rendered picture: refined, or the coarse one of the splats' first three features.

    Args:
        rgb: [H, W, 3] float32 display sRGB, premultiplied by alpha.
        alpha: [H, W] float32 0..1.
        depth: [H, W] float32 metres, 0 where nothing is.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray

    def rgba8(self) -> np.ndarray:
        """[H, W, 4] uint8, straight alpha."""
        alpha = self.alpha[..., None]
        straight = np.divide(self.rgb, alpha, out=np.zeros_like(self.rgb), where=alpha > 1e-4)
        rgba = np.concatenate([straight, alpha], axis=-1)
        return (np.clip(rgba, 0, 1) * 255 + 0.5).astype(np.uint8)


class Pipeline:
    """The network, the head and the tracker, loaded once. One thread at a time.

    A preset with a neural renderer needs weights: its network alone makes the avatar. The others
    make it by projecting and personalising.

    Args:
        preset: Name of a preset in backend/configs.
        device: `auto`, `cpu` or `cuda`.
        weights: The network's checkpoint. None: an untrained network, or for a preset with a
            neural renderer PRESET.safetensors in the folder for downloads.

    Raises:
        AvatarError: `missing_weights` for a preset that needs a file which is not there.
    """

    def __init__(
        self, preset: str = "open", device: str = "auto", weights: Path | None = None
    ) -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda" and not torch.cuda.is_available():
            raise AvatarError(
                "bad_request",
                "The device cuda was asked for, but PyTorch sees no NVIDIA GPU.",
                "Choose the device auto or cpu, or install the backend for CUDA.",
            )
        self.preset, self.device = preset, device
        self._config = model_config(presets.load_preset(preset))
        self.refines = self._config.renderer != "none"
        self._weights = trained_weights(preset) if weights is None and self.refines else weights
        self._portrait_head = load_head(self._config.head)  # pictures are read on the CPU
        self.head = self._portrait_head.to(device)
        self._placed: tuple[Avatar, Avatar] | None = None
        self._model: SplitAvatar | None = None
        self._tracker: Tracker | None = None
        self._model_hash = ""

    @property
    def image_kind(self) -> str:
        """What `render` gives: `refined` or `coarse`."""
        return "refined" if self.refines else "coarse"

    @property
    def model(self) -> SplitAvatar:
        """The network; built when first wanted."""
        if self._model is None:
            model = self._load().eval()
            model.requires_grad_(False)
            digest = hashlib.sha256()
            for name, value in sorted(checkpoint_state(model).items()):
                digest.update(name.encode() + value.numpy().tobytes())
            self._model_hash = digest.hexdigest()
            if model.renderer is not None:  # a fifth faster on the CPU
                model.renderer.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
            self._model = model.to(self.device)
        return self._model

    def _load(self) -> SplitAvatar:
        if self._weights is None:
            return SplitAvatar(self._config, self._portrait_head)
        return load_checkpoint(self._weights, self._portrait_head, self._config)

    @property
    def tracker(self) -> Tracker:
        """Detection and fitting; loaded when first wanted."""
        if self._tracker is None:
            self._tracker = Tracker(self._portrait_head)
        return self._tracker

    def close(self) -> None:
        """Frees the models."""
        if self._tracker is not None:
            self._tracker.close()
            self._tracker = None

    def create(
        self, image: bytes, options: CreateOptions | None = None, progress: Progress = silent
    ) -> Avatar:
        """One photograph to an avatar.

        Args:
            image: The picture file's bytes.
            options: See `CreateOptions`.
            progress: Told of every step; may cancel.

        Raises:
            AvatarError: As `Tracker.portrait`.
        """
        options = options or CreateOptions()
        if options.iterations < 0:
            raise AvatarError(
                "bad_request",
                f"{options.iterations} iterations were asked for; expected 0 or more.",
                "Correct the number.",
            )
        portrait = self.tracker.portrait(image, options.face, progress)
        return self.create_from(portrait, options, progress)

    def create_from(self, portrait: Portrait, options: CreateOptions, progress: Progress) -> Avatar:
        """A tracked portrait to an avatar."""
        if self.refines:
            return self._encoded(portrait, progress)
        progress("project", 0, 1)
        begin = start(portrait, self._portrait_head, self.model).to(self.device)
        with torch.no_grad():
            encoded = self._encode(begin.target.image, portrait.fit.camera)
        drop_redundant(self.model, encoded, begin, self.head)
        personalise(self.model, encoded, begin.personal, begin.target, options.iterations, progress)
        return self._avatar(portrait, encoded, begin)

    def _encode(self, image: torch.Tensor, camera: Camera) -> Encoded:
        """A portrait [H, W, 3] at the size that the network was trained at."""
        size = (self._config.image_size, self._config.image_size)
        seen = image.permute(2, 0, 1)[None]
        if seen.shape[-2:] != size:
            seen = functional.interpolate(seen, size=size, mode="bilinear", antialias=True)
        return self.model.encode(seen, camera)

    @torch.no_grad()
    def _encoded(self, portrait: Portrait, progress: Progress) -> Avatar:
        """The avatar as the network alone sees it: nothing of it is personalised."""
        progress("encode", 0, 1)
        image = torch.from_numpy(portrait.matted).to(self.device)
        encoded = self._encode(image, portrait.fit.camera)
        planes = self.model.identity(encoded, None, portrait.fit.camera)
        rest = self.head.vertices_of(portrait.fit.track)
        layers = self.model.expression(encoded.g0_raw, rest, self.head.local_frames(rest))
        cloud = union(planes, layers)
        inside = near_matte(portrait.matte, self._config.grid).to(self.device)
        counts = [layer.means.shape[1] for layer in layers.layers]
        none = tuple(LayerResiduals(features=torch.zeros(n, _COLOURS)) for n in counts)
        progress("encode", 1, 1)
        identity = cloud.select(cloud.layers < FIRST_EXPRESSION_LAYER)
        return self._of(portrait, identity.select(inside), encoded.g0_raw, none)

    @torch.no_grad()
    def _avatar(self, portrait: Portrait, encoded: Encoded, begin: Start) -> Avatar:
        personal, target = begin.personal, begin.target
        raw = self.model.expression_raw(
            encoded.g0_raw, target.vertices, target.frames, personal.layers
        )
        identity, layers = assemble(self.model, encoded, raw, personal, target)
        cloud = masked_union(identity, layers, personal.identity_mask)
        own = tuple(_detached(layer) for layer in personal.layers)
        return self._of(portrait, cloud.select(cloud.layers < 2), encoded.g0_raw, own)

    def _of(
        self,
        portrait: Portrait,
        identity: Gaussians,
        g0_raw: torch.Tensor,
        layers: tuple[LayerResiduals, ...],
    ) -> Avatar:
        avatar = Avatar(
            identity=identity,
            g0_raw=g0_raw,
            layers=layers,
            source=portrait.fit.track,
            camera=portrait.fit.camera,
            preset=self.preset,
            model_hash=self._model_hash,
            head_hash=self.head.hash,
            image_hash=portrait.digest,
        )
        return avatar.to("cpu")

    def check(self, avatar: Avatar) -> None:
        """Refuses an avatar made with another head, preset or network.

        Raises:
            AvatarError: `head_mismatch`.
        """
        _ = self.model
        for what, found, expected in (
            ("head", avatar.head_hash, self.head.hash),
            ("preset", avatar.preset, self.preset),
            ("network", avatar.model_hash, self._model_hash),
        ):
            if found != expected:
                raise AvatarError(
                    "head_mismatch",
                    f"The avatar was made with the {what} {found[:12]}; loaded is {expected[:12]}.",
                    "Create the avatar again from its portrait.",
                )

    @torch.no_grad()
    def drive(
        self, avatar: Avatar, frame: Track, ablate: frozenset[str] = frozenset()
    ) -> Gaussians:
        """All Gaussians of one driving frame, colours in channels 0-2; masked ones at opacity 0.

        With a neural renderer they keep all features, and shoulders turn with the head, as in its
        training.

        Args:
            avatar: Whom to drive.
            frame: One frame; its betas are not used (the avatar keeps its own).
            ablate: Parts to switch off: `expression` (the driver's expression, jaw and eyes),
                `gsn` (no G1..GL), `masks` (every Gaussian kept).
        """
        if unknown := ablate - ABLATIONS:
            raise AvatarError(
                "bad_request",
                f"Unknown ablation {sorted(unknown)}; expected some of {sorted(ABLATIONS)}.",
                "Correct the name.",
            )
        if len(frame) != 1:
            raise AvatarError(
                "bad_request",
                f"One frame drives an avatar; the track has {len(frame)}.",
                "Send the frames one by one.",
            )
        avatar = self._place(avatar)
        own = dataclasses.replace(self.head.translated(frame), betas=avatar.source.betas)
        shown = avatar.neutral() if "expression" in ablate else own
        vertices = self.head.vertices_of(shown)
        frames = self.head.local_frames(vertices)
        layers = self.model.expression(
            avatar.g0_raw, vertices, frames, avatar.layers, ablate - {"expression"}
        )
        expression = union(None, layers)
        pose = self.head.head_pose_of(own)
        if self.refines:
            return Gaussians.cat([posed(avatar.identity, pose), posed(expression, pose)])
        expression.features = expression.features[:, :_COLOURS]
        neck_y = float(self.head.joints_of(avatar.source.betas)[1, 1])
        follow = torso_weights(avatar.identity.means, neck_y)
        return Gaussians.cat([posed(avatar.identity, pose, follow), posed(expression, pose)])

    @torch.no_grad()
    def render(self, cloud: Gaussians, camera: Camera) -> Frame:
        """The picture of a cloud, on black: refined where the preset can, else the coarse one."""
        alpha_max = self._config.alpha_max
        if self.refines:
            renderer = self.model.renderer
            assert renderer is not None
            raster = refined(renderer, self._config.image_size, cloud, camera, alpha_max)
        else:
            raster = rasterise(cloud.kept(), camera, alpha_max=alpha_max)
        return Frame(
            raster.features[..., :_COLOURS].cpu().numpy(),
            raster.alpha.cpu().numpy(),
            raster.depth.cpu().numpy(),
        )

    def _place(self, avatar: Avatar) -> Avatar:
        """The avatar on this device; the last one stays there, so that frames cost no transfer."""
        if self._placed is None or self._placed[0] is not avatar:
            self._placed = (avatar, avatar.to(self.device))
        return self._placed[1]

    def rig(self, avatar: Avatar) -> dict[str, np.ndarray]:
        """What the add-on builds its rig from, head space, metres.

        Returns:
            vertices [V, 3] neutral with this identity, faces [F, 3] int32, expression_deltas
            [52, V, 3], joints [5, 3], skin_weights [V, 5].
        """
        return self.head.rig(avatar.source.betas)

    def track_image(self, image: bytes, face: int | None = None) -> Track:
        """The FLAME parameters of a photograph, one frame with betas."""
        return self.tracker.portrait(image, face, silent).fit.track

    def track_frames(
        self, frames: Iterable[np.ndarray], fps: float, progress: Progress = silent
    ) -> Tracked:
        """Tracks a video: one identity, parameters and a camera for every frame.

        Args:
            frames: [H, W, 3] uint8 BGR pictures, as OpenCV reads them.
            fps: Frames per second.
            progress: Told after every frame; may cancel.
        """
        return track_video(self.tracker, frames, fps, progress)


def _detached(layer: LayerResiduals) -> LayerResiduals:
    return LayerResiduals(**{name: tensor.detach() for name, tensor in layer.tensors()})
