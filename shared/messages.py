"""Every message of the protocol: a frozen dataclass with an explicit wire name.

A field is a JSON value, an array, or one of the compound types (`Track`, `Camera`, a row of
cameras, `Cloud`, named arrays), which `packing` splits into a JSON part and arrays named
`field.part`.
docs/protocol.md lists all of this and a test compares it with the code.
"""

# ruff: noqa: RUF009 - `value` and its like return dataclass fields

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .camera import Camera
from .cloud import Cloud
from .flame import Track
from .message_base import Message, array, arrays, listed, value
from .photos import Photo
from .version import PROTOCOL, VERSION

STATES = ("not_installed", "stopped", "starting", "ready", "busy", "failed")
"""Backend states that a user sees; the backend itself sends starting, ready, busy and failed."""

ABLATIONS = ("expression", "gsn", "masks")
"""Parts of the network that `ablate` can switch off."""

AXES = ("blender", "flame", "opencv")
"""Axes of exported files: Z up, Y up, Y down."""


# ---- replies


@dataclass(frozen=True, eq=False)
class Done(Message):
    """Done; nothing to tell."""


@dataclass(frozen=True, eq=False)
class ErrorReply(Message):
    """A request failed; carries an `AvatarError`."""

    WIRE: ClassVar[str] = "error"
    code: str = value("stable error code")
    message: str = value("what happened, with the values found and what was expected")
    remedy: str = value("what to do about it")


@dataclass(frozen=True, eq=False)
class InfoReply(Message):
    """What runs there."""

    version: str = value("product version")
    protocol: int = value("protocol version")
    pid: int = value("process id of the backend")
    device: str = value("torch device, empty until known")
    preset: str = value("network preset")
    state: str = value("starting, ready, busy or failed")
    phase: str = value("what a starting backend does", "")
    why: str = value("why a failed backend failed", "")
    remedy: str = value("what to do about a failed backend", "")
    memory_mb: float = value("memory of the backend process, MiB", 0.0)


@dataclass(frozen=True, eq=False)
class AvatarReply(Message):
    """An avatar is ready to be driven."""

    avatar: str = value("id of the avatar: begins its file's SHA-256, so it survives a restart")
    path: str = value("the .savatar file")
    counts: dict = value("Gaussians: total, identity, layers (list of G0..GL), kept")
    camera: Camera = value("the portrait's fitted camera")
    source: Track = value("the portrait's own parameters, T = 1, with betas")
    rig: dict[str, np.ndarray] = value(
        "arrays for the rig, head space: vertices [V,3] identity-shaped neutral, faces [F,3] int32,"
        " expression_deltas [52,V,3], joints [5,3], skin_weights [V,5]"
    )
    identity: Cloud = value("identity Gaussians of the neutral frame, head space")
    notes: list[str] = listed("what to know of the photos it was just made of, a sentence each")
    binding: dict[str, np.ndarray] | None = value(
        "arrays of `shared.binding`, which move it without the backend; absent where only the"
        " network can",
        None,
    )


@dataclass(frozen=True, eq=False)
class DriveReply(Message):
    """The Gaussians of one frame that change with it."""

    expression: Cloud = value("expression Gaussians G0..GL of the frame, masked ones included")
    identity_means: np.ndarray | None = array(
        "float32", "[N,3]", "identity means where the frame moves them, else absent", None
    )
    identity_quats: np.ndarray | None = array(
        "float16", "[N,4]", "identity quaternions where the frame turns them, else absent", None
    )


@dataclass(frozen=True, eq=False)
class FrameReply(Message):
    """A rendered frame."""

    rgba: np.ndarray = array("uint8", "[H,W,4]", "straight alpha, display-referred sRGB")
    depth: np.ndarray = array("float32", "[H,W]", "expected camera depth, metres; 0: nothing")
    layers: np.ndarray | None = array(
        "uint8",
        "[H,W]",
        "one more than the layer most seen: 1, 2 identity front and back, 3 + i for G_i;"
        " 0: nothing; absent where not asked for",
        None,
    )


@dataclass(frozen=True, eq=False)
class ExportReply(Message):
    """Exported files."""

    files: list[str] = value("absolute paths, in frame order")


@dataclass(frozen=True, eq=False)
class RenderReply(Message):
    """Rendered files."""

    png: list[str] = value("absolute paths, in frame order")
    mp4: str = value("absolute path, empty when none was asked for", "")
    resumed: int = value("how many frames were found finished", 0)


@dataclass(frozen=True, eq=False)
class TrackReply(Message):
    """Parameters read from an image or a video."""

    track: Track = value("one frame per picture; betas of the person shown")
    cameras: tuple[Camera, ...] = value(
        "one per frame, in the pictures' own pixels; none if their sizes differ", ()
    )
    notes: list[str] = listed("what to know of the pictures, a sentence each")


@dataclass(frozen=True, eq=False)
class TranslateReply(Message):
    """ARKit weights that move the skin most alike."""

    weights: np.ndarray = array("float32", "[T,52]", "0..1; jaw and eyeLook units stay 0")


@dataclass(frozen=True, eq=False)
class CancelReply(Message):
    """Whether there was something to cancel."""

    found: bool = value("true: the job was waiting or running and ends as `cancelled`")


# ---- requests


@dataclass(frozen=True, eq=False)
class BackendInfo(Message):
    """Who are you, and are you there? Answered at once, also while starting or busy."""

    WIRE: ClassVar[str] = "backend.info"
    REPLY: ClassVar[type[Message] | None] = InfoReply
    CONTROL: ClassVar[bool] = True
    protocol: int = value("protocol version of the client", PROTOCOL)
    version: str = value("product version of the client", VERSION)


@dataclass(frozen=True, eq=False)
class CreateAvatar(Message):
    """Makes an avatar from a portrait, or a few photos of one person, and saves it."""

    WIRE: ClassVar[str] = "avatar.create"
    REPLY: ClassVar[type[Message] | None] = AvatarReply
    image: np.ndarray = array("uint8", "[bytes]", "the portrait's file; of several the main photo")
    path: str = value("where to save the .savatar file, absolute")
    job: str = value("id for progress and cancel, unique for this client")
    face: int | None = value(
        "which face of the portrait: 1 is the first from the left; 0: the largest", None
    )
    iterations: int | None = value("personalisation steps; null: the usual number", None)
    name: str = value("what errors and notes call the portrait; wanted beside other photos", "")
    others: dict[str, np.ndarray] = arrays(
        "uint8", "[bytes]", "files of up to 4 other photos of the person, by their names"
    )

    @property
    def photos(self) -> list[Photo]:
        """All of them, the main one first."""
        files = [(self.name, self.image), *self.others.items()]
        return [Photo(name, image.tobytes()) for name, image in files]


@dataclass(frozen=True, eq=False)
class LoadAvatar(Message):
    """Opens a .savatar file."""

    WIRE: ClassVar[str] = "avatar.load"
    REPLY: ClassVar[type[Message] | None] = AvatarReply
    path: str = value("the .savatar file, absolute")
    job: str = value("id for progress and cancel")


@dataclass(frozen=True, eq=False)
class DriveAvatar(Message):
    """Poses an avatar for display as a point cloud. The newest waiting one wins."""

    WIRE: ClassVar[str] = "avatar.drive"
    REPLY: ClassVar[type[Message] | None] = DriveReply
    avatar: str = value("id of the avatar")
    frame: Track = value("parameters, T = 1")
    ablate: list[str] = listed("parts switched off: expression, gsn, masks")

    @property
    def redundancy_key(self) -> str:
        """One waiting frame per avatar."""
        return f"{self.WIRE}/{self.avatar}"


@dataclass(frozen=True, eq=False)
class RenderFrame(Message):
    """Renders one frame through a camera. The newest waiting one wins."""

    WIRE: ClassVar[str] = "frame.render"
    REPLY: ClassVar[type[Message] | None] = FrameReply
    avatar: str = value("id of the avatar")
    frame: Track = value("parameters, T = 1")
    camera: Camera = value("where to look from")
    ablate: list[str] = listed("parts switched off: expression, gsn, masks")
    layers: bool = value("also tell which layer each pixel shows", False)

    @property
    def redundancy_key(self) -> str:
        """One waiting frame per avatar."""
        return f"{self.WIRE}/{self.avatar}"


@dataclass(frozen=True, eq=False)
class ExportJob(Message):
    """Writes one Gaussian PLY per frame. Finished files of the same content are kept."""

    WIRE: ClassVar[str] = "job.export"
    REPLY: ClassVar[type[Message] | None] = ExportReply
    avatar: str = value("id of the avatar")
    track: Track = value("parameters, T = number of frames")
    frames: list[int] = value("frame numbers for the file names, one per frame of the track")
    out: str = value("folder, absolute; made when missing")
    name: str = value("file names are NAME_0001.ply, padded to the largest frame")
    job: str = value("id for progress and cancel")
    axes: str = value("blender, flame or opencv", "blender")
    compact: bool = value("drop masked Gaussians instead of keeping their places", False)
    sh: int = value("degree of spherical harmonics: 0, or 3 for readers that insist on zeros", 0)
    ablate: list[str] = listed("parts switched off: expression, gsn, masks")


@dataclass(frozen=True, eq=False)
class RenderJob(Message):
    """Renders frames to PNG files and optionally an MP4."""

    WIRE: ClassVar[str] = "job.render"
    REPLY: ClassVar[type[Message] | None] = RenderReply
    avatar: str = value("id of the avatar")
    track: Track = value("parameters, T = number of frames")
    frames: list[int] = value("frame numbers for the file names, one per frame of the track")
    cameras: tuple[Camera, ...] = value("one per frame, or one for all; all of one size")
    out: str = value("folder, absolute; made when missing")
    name: str = value("file names are NAME_0001.png and NAME.mp4")
    job: str = value("id for progress and cancel")
    mp4: bool = value("also write an MP4 of these frames", False)
    background: list[float] = listed("sRGB 0..1 behind the MP4; empty: black")
    resume: bool = value("keep finished frames of the same content", True)
    ablate: list[str] = listed("parts switched off: expression, gsn, masks")


@dataclass(frozen=True, eq=False)
class TrackJob(Message):
    """Reads parameters from an image (bytes) or a video (path); give one of them."""

    WIRE: ClassVar[str] = "job.track"
    REPLY: ClassVar[type[Message] | None] = TrackReply
    job: str = value("id for progress and cancel")
    image: np.ndarray | None = array("uint8", "[bytes]", "an image file's bytes", None)
    video: str = value("a video file or a folder of images, absolute", "")


@dataclass(frozen=True, eq=False)
class TranslateCodes(Message):
    """Translates expression codes of FLAME, by FLAME's own file; `missing_weights` without it."""

    WIRE: ClassVar[str] = "codes.translate"
    REPLY: ClassVar[type[Message] | None] = TranslateReply
    head: str = value("whose codes they are: flame2020, flame2023, flame2023_open")
    expression: np.ndarray = array("float32", "[T,100]", "codes")


@dataclass(frozen=True, eq=False)
class CancelJob(Message):
    """Stops a waiting or running job; its own request is answered with `cancelled`."""

    WIRE: ClassVar[str] = "job.cancel"
    REPLY: ClassVar[type[Message] | None] = CancelReply
    CONTROL: ClassVar[bool] = True
    job: str = value("id of the job")


@dataclass(frozen=True, eq=False)
class ShutdownBackend(Message):
    """Ends the backend: running work is cancelled, the process exits."""

    WIRE: ClassVar[str] = "backend.shutdown"
    REPLY: ClassVar[type[Message] | None] = Done
    CONTROL: ClassVar[bool] = True


# ---- events


@dataclass(frozen=True, eq=False)
class JobProgress(Message):
    """How far a job is."""

    WIRE: ClassVar[str] = "job.progress"
    job: str = value("id of the job")
    phase: str = value("what is being done, for display")
    done: float = value("steps done in this phase")
    total: float = value("steps of this phase; 0: unknown")
    eta_s: float | None = value("seconds to the end of this phase; null: not yet known", None)


@dataclass(frozen=True, eq=False)
class BackendState(Message):
    """What the backend does; sent at every change."""

    WIRE: ClassVar[str] = "backend.state"
    state: str = value("not_installed, stopped, starting, ready, busy or failed")
    phase: str = value("what a starting backend does, or the phase of the job", "")
    job: str = value("id of the running job when busy", "")
    eta_s: float | None = value("seconds to the end of the job's phase", None)
    device: str = value("torch device", "")
    memory_mb: float = value("memory of the backend process, MiB", 0.0)
    preset: str = value("network preset", "")
    why: str = value("why it failed", "")
    remedy: str = value("what to do about it", "")


REQUESTS: dict[str, type[Message]] = {
    cls.WIRE: cls
    for cls in (
        BackendInfo, CreateAvatar, LoadAvatar, DriveAvatar, RenderFrame,
        ExportJob, RenderJob, TrackJob, TranslateCodes, CancelJob, ShutdownBackend,
    )
}  # fmt: skip
EVENTS: dict[str, type[Message]] = {cls.WIRE: cls for cls in (JobProgress, BackendState)}


def job_of(message: Message) -> str:
    """The id of the job that a request starts; empty when it starts none."""
    return "" if message.CONTROL else getattr(message, "job", "")
