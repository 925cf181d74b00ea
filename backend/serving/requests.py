"""What each work request does, in terms of the pipeline."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.avatar.engines import Engine, avatar_hash
from backend.export.arrays import as_numpy, gaussian_counts
from backend.rendering import batch
from backend.tracking.pictures import Pictures
from shared import messages
from shared.atomic import check_writable
from shared.errors import AvatarError, about
from shared.flame import Track
from shared.messages import ABLATIONS, Cloud, Message
from shared.progress import Progress

AVATARS_KEPT = 4
"""Avatars in memory; an older one is read again from its file when it is wanted."""

FLAME_HEADS = ("flame2020", "flame2023", "flame2023_open")
"""Whose codes can be translated."""

_FIRST_EXPRESSION_LAYER = 2


@dataclass(frozen=True, eq=False)
class _Open:
    avatar: Any
    identity: Cloud


class Handlers:
    """Answers work requests, one at a time.

    Args:
        engine: What does the work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._paths: dict[str, Path] = {}
        self._by_type: dict[type[Message], Callable[[Any, Progress], Message]] = {
            messages.CreateAvatar: self._create,
            messages.LoadAvatar: self._load,
            messages.DriveAvatar: self._drive,
            messages.RenderFrame: self._render,
            messages.ExportJob: self._export,
            messages.RenderJob: self._render_job,
            messages.TrackJob: self._track,
            messages.TranslateCodes: self._translate,
        }

    def __call__(self, message: Message, progress: Progress) -> Message:
        """The reply to a request; raises what goes wrong."""
        return self._by_type[type(message)](message, progress)

    def close(self) -> None:
        """Frees the network and the avatars."""
        self._open.clear()
        self._engine.pipeline.close()

    # ---- avatars

    def _create(self, message: messages.CreateAvatar, progress: Progress) -> Message:
        path = _absolute(message.path)
        check_writable(path)
        chosen: dict[str, Any] = {"face": message.face}
        if message.iterations is not None:
            chosen["iterations"] = message.iterations
        options = self._engine.create_options(**chosen)
        pipeline = self._engine.pipeline
        portraits = pipeline.portraits(message.photos, options, progress)
        portrait, *others = portraits
        avatar = pipeline.create_from(portrait, options, progress, others)
        progress("saving", 0, 1)
        avatar.save(path)
        notes = [note for portrait in portraits for note in portrait.notes]
        return replace(self._opened(path, avatar), notes=notes)

    def _load(self, message: messages.LoadAvatar, progress: Progress) -> Message:
        path = _absolute(message.path)
        progress("opening", 0, 1)
        return self._opened(path, self._engine.open(path))

    def _opened(self, path: Path, avatar: Any) -> messages.AvatarReply:
        key = avatar_hash(path)[:16]
        neutral = Track.neutral(1, betas=avatar.source.betas, head=avatar.source.head)
        pipeline = self._engine.pipeline
        identity, _ = _split(pipeline.drive(avatar, neutral))
        self._paths[key] = path
        self._remember(key, _Open(avatar, identity))
        return messages.AvatarReply(
            avatar=key,
            path=str(path),
            counts=gaussian_counts(pipeline.drive(avatar, avatar.source)),
            camera=avatar.camera,
            source=avatar.source,
            rig={name: _travelling(array) for name, array in pipeline.rig(avatar).items()},
            identity=identity,
            binding=pipeline.binding(avatar),
        )

    def _remember(self, key: str, entry: _Open) -> None:
        self._open[key] = entry
        self._open.move_to_end(key)
        while len(self._open) > AVATARS_KEPT:
            self._open.popitem(last=False)

    def _find(self, key: str) -> _Open:
        if key not in self._paths:
            raise AvatarError(
                "bad_request", f"The backend does not know the avatar {key!r}.", "Load its file."
            )
        if key not in self._open:
            self._opened(self._paths[key], self._engine.open(self._paths[key]))
        self._open.move_to_end(key)
        return self._open[key]

    # ---- frames

    def _checked(
        self, message: messages.DriveAvatar | messages.RenderFrame
    ) -> tuple[_Open, frozenset[str]]:
        entry = self._find(message.avatar)
        if len(message.frame) != 1:
            raise AvatarError(
                "bad_request",
                f"{message.WIRE} got {len(message.frame)} frames; expected 1.",
                "Send one frame; jobs take whole tracks.",
            )
        batch.check_head(message.frame, entry.avatar.source)
        return entry, checked_ablations(message.ablate)

    def _drive(self, message: messages.DriveAvatar, progress: Progress) -> Message:
        entry, ablate = self._checked(message)
        gaussians = self._engine.pipeline.drive(entry.avatar, message.frame, ablate)
        identity, expression = _split(gaussians)
        moved = not np.array_equal(identity.means, entry.identity.means)
        return messages.DriveReply(
            expression=expression,
            identity_means=identity.means if moved else None,
            identity_quats=identity.quats if moved else None,
        )

    def _render(self, message: messages.RenderFrame, progress: Progress) -> Message:
        entry, ablate = self._checked(message)
        pipeline = self._engine.pipeline
        given = entry.avatar, message.frame, message.camera, ablate
        frame = pipeline.picture(*given)
        layers = pipeline.layers(*given) if message.layers else None
        return messages.FrameReply(frame.rgba8(), np.asarray(frame.depth, np.float32), layers)

    # ---- jobs

    def _export(self, message: messages.ExportJob, progress: Progress) -> Message:
        shots = self._shots(message)
        files = batch.export_ply(
            self._engine.pipeline, shots, message.axes, message.compact, progress, message.sh
        )
        return messages.ExportReply([str(path) for path in files])

    def _render_job(self, message: messages.RenderJob, progress: Progress) -> Message:
        shots = self._shots(message)
        rendered = batch.render_png(
            self._engine.pipeline, shots, message.cameras, message.resume, progress
        )
        video = ""
        if message.mp4:
            background = checked_background(message.background)
            video = str(
                batch.write_video(
                    shots.out / f"{shots.name}.mp4",
                    rendered.files,
                    message.track.fps,
                    background,
                    progress,
                )
            )
        return messages.RenderReply([str(p) for p in rendered.files], video, rendered.resumed)

    def _shots(self, message: messages.ExportJob | messages.RenderJob) -> batch.Shots:
        entry = self._find(message.avatar)
        return batch.Shots(
            avatar=entry.avatar,
            avatar_hash=message.avatar,
            track=message.track,
            frames=tuple(message.frames),
            out=_absolute(message.out),
            name=message.name,
            ablate=checked_ablations(message.ablate),
        )

    def _track(self, message: messages.TrackJob, progress: Progress) -> Message:
        if (message.image is None) == (not message.video):
            raise AvatarError(
                "bad_request", "job.track wants an image or a video.", "Give exactly one of them."
            )
        if message.image is not None:
            progress("tracking", 0, 1)
            return messages.TrackReply(self._engine.pipeline.track_image(message.image.tobytes()))
        pictures = Pictures.open(_absolute(message.video))
        with about(message.video):
            tracked = self._engine.pipeline.track_frames(pictures.frames(), pictures.fps, progress)
        sizes = {(camera.width, camera.height) for camera in tracked.cameras}
        cameras = tuple(tracked.cameras) if len(sizes) == 1 else ()
        return messages.TrackReply(tracked.track, cameras, [*pictures.notes, *tracked.notes])

    def _translate(self, message: messages.TranslateCodes, progress: Progress) -> Message:
        if message.head not in FLAME_HEADS:
            raise AvatarError(
                "bad_request",
                f"codes.translate got codes of the head {message.head!r}.",
                f"Expected one of {', '.join(FLAME_HEADS)}.",
            )
        if not np.isfinite(message.expression).all():
            raise AvatarError(
                "bad_request", "codes.translate got NaN or infinity.", "Send finite codes."
            )
        from backend.head import load_head  # torch: the server starts without it
        from backend.head.foreign_tracks import as_units

        progress("translating", 0, 1)
        weights = as_units(load_head(message.head), message.expression)
        return messages.TranslateReply(weights.astype(np.float32))


def checked_ablations(names: list[str]) -> frozenset[str]:
    """The parts to switch off; refuses unknown names."""
    unknown = sorted(set(names) - set(ABLATIONS))
    if unknown:
        raise AvatarError(
            "bad_request", f"Unknown parts {unknown}.", f"Choose some of {', '.join(ABLATIONS)}."
        )
    return frozenset(names)


def checked_background(color: list[float]) -> tuple[float, float, float]:
    """A background colour; black when none is given."""
    if not color:
        return (0.0, 0.0, 0.0)
    if len(color) != 3 or not all(0 <= value <= 1 for value in color):
        raise AvatarError(
            "bad_request", f"The background is {color}.", "Give three numbers from 0 to 1."
        )
    return (float(color[0]), float(color[1]), float(color[2]))


def _split(gaussians: Any) -> tuple[Cloud, Cloud]:
    """Identity and expression Gaussians as they travel."""
    opacities = as_numpy(gaussians.opacities)
    arrays = {
        "means": as_numpy(gaussians.means).astype(np.float32),
        "quats": as_numpy(gaussians.quats).astype(np.float16),
        "scales": as_numpy(gaussians.scales).astype(np.float16),
        "opacities": opacities.astype(np.float16),
        "rgb": _bytes(as_numpy(gaussians.features)[:, :3]),
        "layers": as_numpy(gaussians.layers).astype(np.uint8),
        "mask": (opacities > 0).astype(np.uint8),
    }
    identity = arrays["layers"] < _FIRST_EXPRESSION_LAYER
    return tuple(  # type: ignore[return-value]
        Cloud(**{name: values[chosen] for name, values in arrays.items()})
        for chosen in (identity, ~identity)
    )


def _bytes(colors: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(colors, 0, 1) * 255).astype(np.uint8)


def _travelling(array: Any) -> np.ndarray:
    values = as_numpy(array)
    return values.astype(np.int32 if values.dtype.kind in "iu" else np.float32)


def _absolute(path: str) -> Path:
    """A path from the client; its working folder is not ours, so it must be absolute."""
    if not path or not Path(path).is_absolute():
        raise AvatarError("bad_request", f"Path {path!r} is not absolute.", "Send a full path.")
    return Path(path)
