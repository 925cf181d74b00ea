"""Every message of the protocol: a frozen dataclass with an explicit wire name.

A field is a JSON value, an array, or one of the compound types below (`Track`, `Camera`, a row of
cameras, `Cloud`, named arrays), which split into a JSON part and arrays named `field.part`.
docs/protocol.md lists all of this and a test compares it with the code.
"""

# ruff: noqa: RUF009 - `_value` and its like return dataclass fields

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from .camera import Camera
from .flame import Track
from .version import PROTOCOL, VERSION

STATES = ("not_installed", "stopped", "starting", "ready", "busy", "failed")
"""Backend states that a user sees; the backend itself sends starting, ready, busy and failed."""

ABLATIONS = ("expression", "gsn", "masks")
"""Parts of the network that `ablate` can switch off."""

AXES = ("blender", "flame", "opencv")
"""Axes of exported files: Z up, Y up, Y down."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Gaussians of one branch as they travel: 33 bytes each.

    Args:
        means: [N, 3] float32, metres, head space.
        quats: [N, 4] float16, wxyz, normalised.
        scales: [N, 3] float16, linear metres.
        opacities: [N] float16, 0..1.
        rgb: [N, 3] uint8, display-referred sRGB.
        layers: [N] uint8; 0 identity front, 1 identity back, 2 + i for layer G_i.
        mask: [N] uint8; 1 kept, 0 dropped by the soft masks (opacity 0).
    """

    means: np.ndarray
    quats: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    rgb: np.ndarray
    layers: np.ndarray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.means)


CLOUD_ARRAYS = {
    "means": ("float32", 3),
    "quats": ("float16", 4),
    "scales": ("float16", 3),
    "opacities": ("float16", 0),
    "rgb": ("uint8", 3),
    "layers": ("uint8", 0),
    "mask": ("uint8", 0),
}
"""dtype and columns (0: one value per Gaussian) of each array of a `Cloud`."""


def _value(doc: str, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"doc": doc})


def _listed(doc: str) -> Any:
    return field(default_factory=list, metadata={"doc": doc})


def _array(dtype: str, shape: str, doc: str, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"doc": doc, "dtype": dtype, "shape": shape})


@dataclass(frozen=True, eq=False)
class Message:
    """Base of all messages.

    `WIRE` is the name on the wire; replies take `<request>.ok`, so theirs is empty.
    `REPLY` is the class that answers a request. `CONTROL` requests go to the control socket,
    which answers while work is running.
    """

    WIRE: ClassVar[str] = ""
    REPLY: ClassVar[type[Message] | None] = None
    CONTROL: ClassVar[bool] = False

    @property
    def redundancy_key(self) -> str:
        """Requests with an equal, non-empty key: only the newest waiting one is worked on."""
        return ""


# ---- replies


@dataclass(frozen=True, eq=False)
class Done(Message):
    """Done; nothing to tell."""


@dataclass(frozen=True, eq=False)
class ErrorReply(Message):
    """A request failed; carries an `AvatarError`."""

    WIRE: ClassVar[str] = "error"
    code: str = _value("stable error code")
    message: str = _value("what happened, with the values found and what was expected")
    remedy: str = _value("what to do about it")


@dataclass(frozen=True, eq=False)
class InfoReply(Message):
    """What runs there."""

    version: str = _value("product version")
    protocol: int = _value("protocol version")
    pid: int = _value("process id of the backend")
    device: str = _value("torch device, empty until known")
    preset: str = _value("network preset")
    state: str = _value("starting, ready, busy or failed")
    phase: str = _value("what a starting backend does", "")
    why: str = _value("why a failed backend failed", "")
    remedy: str = _value("what to do about a failed backend", "")
    memory_mb: float = _value("memory of the backend process, MiB", 0.0)


@dataclass(frozen=True, eq=False)
class AvatarReply(Message):
    """An avatar is ready to be driven."""

    avatar: str = _value("id of the avatar: begins its file's SHA-256, so it survives a restart")
    path: str = _value("the .savatar file")
    counts: dict = _value("Gaussians: total, identity, layers (list of G0..GL), kept")
    camera: Camera = _value("the portrait's fitted camera")
    source: Track = _value("the portrait's own parameters, T = 1, with betas")
    rig: dict[str, np.ndarray] = _value(
        "arrays for the rig, head space: vertices [V,3] identity-shaped neutral, faces [F,3] int32,"
        " expression_deltas [52,V,3], joints [5,3], skin_weights [V,5]"
    )
    identity: Cloud = _value("identity Gaussians of the neutral frame, head space")


@dataclass(frozen=True, eq=False)
class DriveReply(Message):
    """The Gaussians of one frame that change with it."""

    expression: Cloud = _value("expression Gaussians G0..GL of the frame, masked ones included")
    identity_means: np.ndarray | None = _array(
        "float32", "[N,3]", "identity means where the frame moves them, else absent", None
    )
    identity_quats: np.ndarray | None = _array(
        "float16", "[N,4]", "identity quaternions where the frame turns them, else absent", None
    )


@dataclass(frozen=True, eq=False)
class FrameReply(Message):
    """A rendered frame."""

    rgba: np.ndarray = _array("uint8", "[H,W,4]", "straight alpha, display-referred sRGB")
    depth: np.ndarray = _array("float32", "[H,W]", "expected camera depth, metres; 0: nothing")


@dataclass(frozen=True, eq=False)
class ExportReply(Message):
    """Exported files."""

    files: list[str] = _value("absolute paths, in frame order")


@dataclass(frozen=True, eq=False)
class RenderReply(Message):
    """Rendered files."""

    png: list[str] = _value("absolute paths, in frame order")
    mp4: str = _value("absolute path, empty when none was asked for", "")
    resumed: int = _value("how many frames were found finished", 0)


@dataclass(frozen=True, eq=False)
class TrackReply(Message):
    """Parameters read from an image or a video."""

    track: Track = _value("one frame per picture; betas of the person shown")
    cameras: tuple[Camera, ...] = _value(
        "one per frame, in the pictures' own pixels; none if their sizes differ", ()
    )


@dataclass(frozen=True, eq=False)
class CancelReply(Message):
    """Whether there was something to cancel."""

    found: bool = _value("true: the job was waiting or running and ends as `cancelled`")


# ---- requests


@dataclass(frozen=True, eq=False)
class BackendInfo(Message):
    """Who are you, and are you there? Answered at once, also while starting or busy."""

    WIRE: ClassVar[str] = "backend.info"
    REPLY: ClassVar[type[Message] | None] = InfoReply
    CONTROL: ClassVar[bool] = True
    protocol: int = _value("protocol version of the client", PROTOCOL)
    version: str = _value("product version of the client", VERSION)


@dataclass(frozen=True, eq=False)
class CreateAvatar(Message):
    """Makes an avatar from a portrait and saves it."""

    WIRE: ClassVar[str] = "avatar.create"
    REPLY: ClassVar[type[Message] | None] = AvatarReply
    image: np.ndarray = _array("uint8", "[bytes]", "the image file's bytes")
    path: str = _value("where to save the .savatar file, absolute")
    job: str = _value("id for progress and cancel, unique for this client")
    face: int | None = _value("which face, counted from left to right; null: the largest", None)
    iterations: int | None = _value("personalisation steps; null: the usual number", None)


@dataclass(frozen=True, eq=False)
class LoadAvatar(Message):
    """Opens a .savatar file."""

    WIRE: ClassVar[str] = "avatar.load"
    REPLY: ClassVar[type[Message] | None] = AvatarReply
    path: str = _value("the .savatar file, absolute")
    job: str = _value("id for progress and cancel")


@dataclass(frozen=True, eq=False)
class DriveAvatar(Message):
    """Poses an avatar for display as a point cloud. The newest waiting one wins."""

    WIRE: ClassVar[str] = "avatar.drive"
    REPLY: ClassVar[type[Message] | None] = DriveReply
    avatar: str = _value("id of the avatar")
    frame: Track = _value("parameters, T = 1")
    ablate: list[str] = _listed("parts switched off: expression, gsn, masks")

    @property
    def redundancy_key(self) -> str:
        """One waiting frame per avatar."""
        return f"{self.WIRE}/{self.avatar}"


@dataclass(frozen=True, eq=False)
class RenderFrame(Message):
    """Renders one frame through a camera. The newest waiting one wins."""

    WIRE: ClassVar[str] = "frame.render"
    REPLY: ClassVar[type[Message] | None] = FrameReply
    avatar: str = _value("id of the avatar")
    frame: Track = _value("parameters, T = 1")
    camera: Camera = _value("where to look from")
    ablate: list[str] = _listed("parts switched off: expression, gsn, masks")

    @property
    def redundancy_key(self) -> str:
        """One waiting frame per avatar."""
        return f"{self.WIRE}/{self.avatar}"


@dataclass(frozen=True, eq=False)
class ExportJob(Message):
    """Writes one Gaussian PLY per frame. Finished files of the same content are kept."""

    WIRE: ClassVar[str] = "job.export"
    REPLY: ClassVar[type[Message] | None] = ExportReply
    avatar: str = _value("id of the avatar")
    track: Track = _value("parameters, T = number of frames")
    frames: list[int] = _value("frame numbers for the file names, one per frame of the track")
    out: str = _value("folder, absolute; made when missing")
    name: str = _value("file names are NAME_0001.ply, padded to the largest frame")
    job: str = _value("id for progress and cancel")
    axes: str = _value("blender, flame or opencv", "blender")
    compact: bool = _value("drop masked Gaussians instead of keeping their places", False)
    ablate: list[str] = _listed("parts switched off: expression, gsn, masks")


@dataclass(frozen=True, eq=False)
class RenderJob(Message):
    """Renders frames to PNG files and optionally an MP4."""

    WIRE: ClassVar[str] = "job.render"
    REPLY: ClassVar[type[Message] | None] = RenderReply
    avatar: str = _value("id of the avatar")
    track: Track = _value("parameters, T = number of frames")
    frames: list[int] = _value("frame numbers for the file names, one per frame of the track")
    cameras: tuple[Camera, ...] = _value("one per frame, or one for all; all of one size")
    out: str = _value("folder, absolute; made when missing")
    name: str = _value("file names are NAME_0001.png and NAME.mp4")
    job: str = _value("id for progress and cancel")
    mp4: bool = _value("also write an MP4 of these frames", False)
    background: list[float] = _listed("sRGB 0..1 behind the MP4; empty: black")
    resume: bool = _value("keep finished frames of the same content", True)
    ablate: list[str] = _listed("parts switched off: expression, gsn, masks")


@dataclass(frozen=True, eq=False)
class TrackJob(Message):
    """Reads parameters from an image (bytes) or a video (path); give one of them."""

    WIRE: ClassVar[str] = "job.track"
    REPLY: ClassVar[type[Message] | None] = TrackReply
    job: str = _value("id for progress and cancel")
    image: np.ndarray | None = _array("uint8", "[bytes]", "an image file's bytes", None)
    video: str = _value("a video file or a folder of images, absolute", "")


@dataclass(frozen=True, eq=False)
class CancelJob(Message):
    """Stops a waiting or running job; its own request is answered with `cancelled`."""

    WIRE: ClassVar[str] = "job.cancel"
    REPLY: ClassVar[type[Message] | None] = CancelReply
    CONTROL: ClassVar[bool] = True
    job: str = _value("id of the job")


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
    job: str = _value("id of the job")
    phase: str = _value("what is being done, for display")
    done: float = _value("steps done in this phase")
    total: float = _value("steps of this phase; 0: unknown")
    eta_s: float | None = _value("seconds to the end of this phase; null: not yet known", None)


@dataclass(frozen=True, eq=False)
class BackendState(Message):
    """What the backend does; sent at every change."""

    WIRE: ClassVar[str] = "backend.state"
    state: str = _value("not_installed, stopped, starting, ready, busy or failed")
    phase: str = _value("what a starting backend does, or the phase of the job", "")
    job: str = _value("id of the running job when busy", "")
    eta_s: float | None = _value("seconds to the end of the job's phase", None)
    device: str = _value("torch device", "")
    memory_mb: float = _value("memory of the backend process, MiB", 0.0)
    preset: str = _value("network preset", "")
    why: str = _value("why it failed", "")
    remedy: str = _value("what to do about it", "")


REQUESTS: dict[str, type[Message]] = {
    cls.WIRE: cls
    for cls in (
        BackendInfo, CreateAvatar, LoadAvatar, DriveAvatar, RenderFrame,
        ExportJob, RenderJob, TrackJob, CancelJob, ShutdownBackend,
    )
}  # fmt: skip
EVENTS: dict[str, type[Message]] = {cls.WIRE: cls for cls in (JobProgress, BackendState)}


def job_of(message: Message) -> str:
    """The id of the job that a request starts; empty when it starts none."""
    return "" if message.CONTROL else getattr(message, "job", "")


def optional_fields(cls: type[Message]) -> set[str]:
    """Names of fields that a sender may leave out."""
    return {
        f.name for f in fields(cls) if f.default is not MISSING or f.default_factory is not MISSING
    }
