"""Video files through PyAV: frames when they are due, upright, in display sRGB, damage counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.logging
import cv2
import numpy as np
from av.error import FFmpegError

from shared.errors import AvatarError

from .hdr import TRANSFERS, in_display_srgb

_ROUNDED_S = 0.2

# What is wrong with a file is told once, by our own error or note.
av.logging.set_level(None)


@dataclass(frozen=True)
class VideoFacts:
    """What a video holds; counted by decoding, since containers often lie.

    Args:
        times: [T] seconds from the first frame, rising as the file says.
        fps: Frames per second as the container tells, 0 where it does not.
        damaged: How many of its frames are lost, or shown with damage.
        hdr: Whether its colours are those of an HDR screen.
        seconds: How long it is.
        told_seconds: How long the file says that it is, which may have lost its end; 0: unsaid.
    """

    times: np.ndarray
    fps: float
    damaged: int
    hdr: bool
    seconds: float
    told_seconds: float

    @property
    def ends_early(self) -> bool:
        """Whether frames are missing at its end."""
        return self.told_seconds - self.seconds > max(_ROUNDED_S, 2 / (self.fps or 25.0))


def video_facts(path: Path) -> VideoFacts:
    """Reads a video once.

    Raises:
        AvatarError: `bad_file` when no frame of it can be read.
    """
    times: list[float] = []
    broken, hdr, shown = 0, False, 0.0
    with _opened(path) as (container, stream):
        rate = stream.average_rate or stream.guessed_rate
        packets = Counted()
        for frame in _decoded(container, stream, packets):
            times.append(_time(frame, len(times), float(rate or 0)))
            broken += frame.is_corrupt
            hdr = hdr or frame.color_trc in TRANSFERS
            shown = float((frame.duration or 0) * (frame.time_base or 0))
        told = _told_seconds(container, stream, times[0] if times else 0.0)
    if not times:
        raise _unreadable(path, "no frame of it can be decoded")
    lost = max(0, packets.total - len(times)) if packets.failed else 0
    seconds = times[-1] - times[0] + max(shown, 1 / float(rate or 25))
    return VideoFacts(
        np.array(times) - times[0], float(rate or 0), lost + broken, hdr, seconds, told
    )


def _told_seconds(container: Any, stream: Any, first_s: float) -> float:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1  # sound may last longer
    if not container.duration or not alone:
        return 0.0
    return container.duration / av.time_base - max(first_s, 0.0)  # some count from 0


def video_frames(path: Path, every: int = 1) -> Iterator[np.ndarray]:
    """[H, W, 3] uint8 BGR frames, as they are to be shown: the first, and every so manieth."""
    with _opened(path) as (container, stream):
        for frame in itertools.islice(_decoded(container, stream, Counted()), 0, None, every):
            yield _shown(frame, stream)


@dataclass
class Counted:
    """Packets of a stream, and how many of them could not be decoded."""

    total: int = 0
    failed: int = 0


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    try:
        # titles are in any encoding
        container = av.open(str(path), metadata_errors="replace")
    except FFmpegError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from error
    with container:
        stream: Any = container.streams.best("video")
        if stream is None:
            raise _unreadable(path, "it holds no pictures")
        stream.thread_type = "AUTO"
        yield container, stream


def _unreadable(path: Path, why: str) -> AvatarError:
    return AvatarError(
        "bad_file", f"{path} is not a video that can be read: {why}.", "Convert it to H.264 MP4."
    )


def _decoded(container: Any, stream: Any, counted: Counted) -> Iterator[Any]:
    """Frames in the order in which they are shown; goes on after damage."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            counted.failed += 1
            packet = None
        if packet is None:
            return
        counted.total += packet.size > 0 and not packet.is_discard
        try:
            frames = packet.decode()
        except FFmpegError:
            counted.failed += 1
            continue
        yield from frames


def _time(frame: Any, number: int, rate: float) -> float:
    return frame.time if frame.time is not None else number / (rate or 25.0)


def _shown(frame: Any, stream: Any) -> np.ndarray:
    """[H, W, 3] uint8 BGR: of square pixels, upright, toned where it is HDR."""
    if frame.color_trc in TRANSFERS:
        deep = frame.to_ndarray(format="rgb48le")
        bgr = in_display_srgb(deep, frame.color_trc)[..., ::-1]
    else:
        bgr = frame.to_ndarray(format="bgr24")
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1:
        size = (max(round(bgr.shape[1] * float(aspect)), 1), bgr.shape[0])
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.rot90(bgr, round(frame.rotation / 90) % 4))
