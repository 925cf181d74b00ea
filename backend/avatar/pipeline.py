"""What the backend can do, without any server: create, track, drive, render."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from backend.avatar.alignment import aligned
from backend.avatar.create import CreateOptions, check_options, encoded_avatar, personalised_avatar
from backend.avatar.detail import Detail, Drawn
from backend.avatar.device import chosen_device
from backend.avatar.drive import Actor, check_frame, check_made_with
from backend.avatar.eyeballs import eyeballs_of
from backend.avatar.file import Avatar
from backend.avatar.framing import keep_framing
from backend.avatar.loaded import Loaded, load_model
from backend.avatar.openings import eyes_of, mouth_of
from backend.avatar.photo_parts import before_face, lip_edges, photo_landmarks
from backend.avatar.render import Frame, rendered
from backend.avatar.retouch import shipped
from backend.avatar.retoucher_hash import RETOUCHER_SHA256
from backend.avatar.weights import weights_of
from backend.configs.network import model_config
from backend.configs.presets import load_preset
from backend.export.png import over_background
from backend.head import load_head
from backend.head.head import ROOT
from backend.model.splitavatar import SplitAvatar
from backend.splat import native
from backend.splat.blending import most_seen_layers
from backend.splat.gaussians import Gaussians
from backend.tracking.fit import about_root
from backend.tracking.joint_portraits import track_photos
from backend.tracking.portrait import Portrait, Tracker
from backend.tracking.video import Tracked, track_video
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track
from shared.low_pass import EPS2D
from shared.photos import Photo
from shared.progress import Progress, silent

_BLACK = (0.0, 0.0, 0.0)


class Pipeline:
    """The network, the head and the tracker, loaded once. One thread at a time.

    A preset with a neural renderer needs weights: its network alone makes the avatar. The others
    make it by projecting and personalising.

    Args:
        preset: Name of a preset in backend/configs.
        device: `auto`, `cpu` or `cuda`.
        weights: The network's checkpoint. None: what comes with the preset, which is an untrained
            network and a retoucher for its pictures, or for a preset with a neural renderer
            PRESET.safetensors in the folder for downloads. `UNTRAINED`: no retoucher either.

    Raises:
        AvatarError: `missing_weights` for a preset that needs a file which is not there.
    """

    def __init__(
        self, preset: str = "open", device: str = "auto", weights: Path | None = None
    ) -> None:
        self.preset = preset
        self.device, self.device_words = chosen_device(device)
        if self.device == "cpu":
            native.load()  # where it cannot be used it says so now, before the work
        self._config = model_config(load_preset(preset))
        self.refines = self._config.renderer != "none"
        self._weights = weights_of(preset, weights, self.refines)
        self._retouches = weights is None and not self.refines
        self._portrait_head = load_head(self._config.head)  # pictures are read on the CPU
        self.head = self._portrait_head.to(self.device)
        self._actor: tuple[Avatar, Actor] | None = None
        self._detail: tuple[Avatar, Detail] | None = None
        self._model: SplitAvatar | None = None
        self._tracker: Tracker | None = None
        self._model_hash = ""

    @property
    def image_kind(self) -> str:
        """What `picture` gives: `refined` by a neural renderer, or `detailed` by the photo."""
        return "refined" if self.refines else "detailed"

    @property
    def model(self) -> SplitAvatar:
        """The network; built when first wanted."""
        if self._model is None:
            self._model, self._model_hash = load_model(
                self._config, self._weights, self._portrait_head, self.device
            )
        return self._model

    @property
    def model_hash(self) -> str:
        """Which weights the network has."""
        _ = self.model  # its hash is known when it is built
        return self._model_hash

    @property
    def picture_hash(self) -> str:
        """Which weights its pictures come from: the network's, and the retoucher's."""
        return self.model_hash + (RETOUCHER_SHA256 if self._retouches else "")

    @property
    def _loaded(self) -> Loaded:
        return Loaded(
            self.model, self.model_hash, self.head, self._portrait_head, self.preset, self.device
        )

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
        return self.create_from(self.portrait(image, options, progress), options, progress)

    def portrait(self, image: bytes, options: CreateOptions, progress: Progress) -> Portrait:
        """A photograph tracked, with what there is to note of it; for `create_from`.

        Raises:
            AvatarError: As `Tracker.portrait`; `bad_request` for options that cannot be used.
        """
        check_options(options)
        return self.tracker.portrait(image, options.face, progress)

    def portraits(
        self, photos: Sequence[Photo], options: CreateOptions, progress: Progress
    ) -> list[Portrait]:
        """Several photographs of one person tracked together; for `create_from`.

        Raises:
            AvatarError: As `track_photos`; `bad_request` for options that cannot be used, and
                where the network itself makes the avatar, of one picture.
        """
        check_options(options)
        if self.refines and len(photos) > 1:
            raise AvatarError(
                "bad_request",
                f"{len(photos)} photos were given; the network of {self.preset} sees one.",
                "Give one photo, or use the preset open.",
            )
        return track_photos(self.tracker, photos, options.face, progress)

    def create_from(
        self,
        portrait: Portrait,
        options: CreateOptions,
        progress: Progress,
        others: Sequence[Portrait] = (),
    ) -> Avatar:
        """A tracked portrait to an avatar.

        Args:
            portrait: What the avatar's picture, planes, camera and own pose are of.
            options: See `CreateOptions`.
            progress: Told of every step; may cancel.
            others: More portraits, of the same call of `portraits`, for what the first one hides.
        """
        # Told before the network is built, which takes seconds.
        progress("encode" if self.refines else "project", 0, 1)
        if self.refines:
            return encoded_avatar(self._loaded, portrait, progress)
        return personalised_avatar(self._loaded, portrait, others, options.iterations, progress)

    def check(self, avatar: Avatar) -> None:
        """Refuses an avatar made with another head, preset or network.

        Raises:
            AvatarError: `head_mismatch`.
        """
        check_made_with(avatar, self._loaded)

    def drive(
        self, avatar: Avatar, frame: Track, ablate: frozenset[str] = frozenset()
    ) -> Gaussians:
        """All Gaussians of one driving frame, colours in channels 0-2; masked ones at opacity 0.

        With a neural renderer they keep all features, and shoulders turn with the head, as in its
        training. On one machine the same values give the same bytes, wherever they lie in memory.

        Args:
            avatar: Whom to drive.
            frame: One frame; its betas are not used (the avatar keeps its own).
            ablate: Parts to switch off: `expression` (the driver's expression, jaw and eyes),
                `gsn` (no G1..GL), `masks` (every Gaussian kept).
        """
        check_frame(frame, ablate)
        return self._actor_of(avatar).driven(frame, ablate)

    def render(self, cloud: Gaussians, camera: Camera) -> Frame:
        """The picture of a cloud, on black: refined where the preset can, else the coarse one."""
        renderer = self.model.renderer if self.refines else None
        return rendered(cloud, camera, self._config, renderer)

    def picture(
        self, avatar: Avatar, frame: Track, camera: Camera, ablate: frozenset[str] = frozenset()
    ) -> Frame:
        """The picture of one driving frame, on black: as `render`, with what the portrait shows
        beyond its splats, retouched.

        Args:
            avatar: Whom to drive.
            frame: As `drive`.
            camera: Any camera.
            ablate: As `drive`; with parts switched off there is no detail, which would hide what
                they leave out.
        """
        cloud = self.drive(avatar, frame, ablate)
        detail = None if ablate else self._detail_of(avatar)
        if detail is None:
            return self.render(cloud, camera)
        drawn = detail.drawn(cloud, camera)
        return Frame.of(shipped(self.device)(drawn, camera) if self._retouches else drawn.raster)

    def layers(
        self, avatar: Avatar, frame: Track, camera: Camera, ablate: frozenset[str] = frozenset()
    ) -> np.ndarray:
        """[H, W] uint8: which layer's Gaussians make up most of each pixel of `picture`.

        One more than their `layers`: 1 identity front, 2 identity back, 3 + i for G_i; 0 where
        there are none. What is no Gaussian's, such as the photo's detail, has no say.

        Args:
            avatar: Whom to drive.
            frame: As `drive`.
            camera: Any camera.
            ablate: As `drive`.
        """
        cloud = self.drive(avatar, frame, ablate)
        detail = None if ablate else self._detail_of(avatar)
        eps2d = EPS2D if detail is None else detail.eps2d(cloud, camera)
        return most_seen_layers(cloud, camera, self._config.alpha_max, eps2d).cpu().numpy()

    def drawn(self, avatar: Avatar, frame: Track, camera: Camera) -> Drawn:
        """What a retoucher is given: the splats with the portrait's detail, and its clues.

        Args:
            avatar: One that has a photo.
            frame: As `drive`.
            camera: Any camera.
        """
        detail = self._detail_of(avatar)
        assert detail is not None
        return detail.drawn(self.drive(avatar, frame), camera)

    def _detail_of(self, avatar: Avatar) -> Detail | None:
        """The last avatar's stays. None: the avatar has no photo."""
        if avatar.photo is None:
            return None
        if self._detail is None or self._detail[0] is not avatar:
            own = self.drive(avatar, avatar.source)
            actor = self._actor_of(avatar)
            here = actor.avatar
            assert here.photo is not None
            landmarks = photo_landmarks(here, self.head)
            self._detail = avatar, Detail(
                here.photo.float() / 255, own, avatar.photo_camera, self._config.alpha_max,
                mouth_of(own, self.head), eyes_of(own, self.head, actor.closed_lids),
                eyeballs_of(own, self.head), here.clothes_of(own),
                before_face(here, landmarks), lip_edges(here, landmarks),
            )  # fmt: skip
        return self._detail[1]

    def motion(self, avatar: Avatar, tracked: Tracked) -> Track:
        """A clip's track that moves an avatar's face as the clip's own moves, on still shoulders.

        A track turns its head about the joint of the clip's identity, which lies somewhat elsewhere
        than the avatar's: turned about that, a face would come to lie aside.

        Args:
            avatar: Whom the clip drives, of the same head.
            tracked: The driving clip.
        """
        track = tracked.on_still_shoulders()
        own, clips = (self.head.joints_of(b)[ROOT] for b in (avatar.source.betas, track.betas))
        return about_root(track, own - clips)

    def kept_framing(
        self, avatar: Avatar, tracked: Tracked, progress: Progress = silent
    ) -> list[Camera]:
        """Cameras that show an avatar as a clip shows its person: as large and in the same place.

        Args:
            avatar: Whom the clip drives, by `motion`.
            tracked: The driving clip.
            progress: Told of every comparison of both faces; may cancel.
        """
        track = self.motion(avatar, tracked)

        def drawn(number: int, camera: Camera) -> np.ndarray:
            picture = self.picture(avatar, track.frame(number), camera).rgba8()
            return over_background(picture, _BLACK)[..., :3]

        cameras = keep_framing(tracked.cameras, tracked.body)
        return aligned(cameras, tracked, drawn, self.tracker.detector.detect, progress)

    def _actor_of(self, avatar: Avatar) -> Actor:
        """The last avatar's stays, on this device, so that frames cost no transfer."""
        if self._actor is None or self._actor[0] is not avatar:
            self._actor = avatar, Actor(avatar.to(self.device), self._loaded)
        return self._actor[1]

    def rig(self, avatar: Avatar) -> dict[str, np.ndarray]:
        """What the add-on builds its rig from, head space, metres.

        Returns:
            vertices [V, 3] neutral with this identity, faces [F, 3] int32, expression_deltas
            [52, V, 3], joints [5, 3], skin_weights [V, 5].
        """
        return self.head.rig(avatar.source.betas)

    def binding(self, avatar: Avatar) -> dict[str, np.ndarray] | None:
        """What moves the avatar's Gaussians with its mesh alone (`shared.binding`); None where
        only the network can."""
        return self._actor_of(avatar).binding()

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
