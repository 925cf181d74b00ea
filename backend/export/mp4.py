"""H.264 video through PyAV: plays everywhere (yuv420p, BT.709, faststart)."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np

from shared.atomic import replacing
from shared.errors import AvatarError

CRF = 17
_BT709 = 1
_LIMITED_RANGE = 1


class Mp4Writer:
    """Writes frames to an MP4; the file appears when the `with` block ends without an error.

    Args:
        path: The file.
        fps: Frames per second.
        size_px: Width and height of the frames; an odd side gains one repeated row or column,
            because 4:2:0 video has even sides.
        sound: A video whose sound it gets, as AAC and no longer than the frames; None: silence.
    """

    def __init__(
        self, path: Path, fps: float, size_px: tuple[int, int], sound: Path | None = None
    ) -> None:
        self._path = path
        self._fps = Fraction(fps).limit_denominator(1001)
        self._size = size_px
        self._sound, self._count = sound, 0
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Mp4Writer:
        import av
        from av.error import FFmpegError

        width, height = (side + side % 2 for side in self._size)
        with contextlib.ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path))
            self._container = stack.enter_context(
                av.open(str(temporary), "w", options={"movflags": "faststart"})
            )
            try:
                self._stream = self._container.add_stream("libx264", rate=self._fps)
            except (FFmpegError, ValueError) as error:
                raise AvatarError(
                    "unsupported_format", f"No H.264 encoder: {error}.", "Keep the PNG frames."
                ) from error
            self._stream.width, self._stream.height = width, height
            self._stream.pix_fmt = "yuv420p"
            self._stream.options = {"crf": str(CRF), "preset": "medium"}
            context = self._stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED_RANGE
            self._open_sound(stack)
            self._exit = stack.pop_all()
        return self

    def _open_sound(self, stack: contextlib.ExitStack) -> None:
        """Adds the stream that the sound will go to; it must be there before the first frame."""
        import av
        from av.error import FFmpegError

        if self._sound is None:
            return
        try:
            self._source = stack.enter_context(av.open(str(self._sound), metadata_errors="replace"))
        except FFmpegError as error:
            raise AvatarError(
                "bad_file",
                f"The sound of {self._sound} cannot be read: {error}.",
                "Convert it to H.264 MP4.",
            ) from error
        if not self._source.streams.audio:
            self._sound = None
            return
        heard = self._source.streams.audio[0]
        self._track = self._container.add_stream("aac", rate=heard.rate)
        self._track.layout = "mono" if heard.channels == 1 else "stereo"

    def _write_sound(self) -> None:
        """Recodes the sound up to the last frame's end."""
        import av

        if self._sound is None:
            return
        end = self._count / self._fps
        resampler = av.AudioResampler(self._track.format, self._track.layout, self._track.rate)
        heard = 0
        for frame in self._source.decode(audio=0):
            if frame.time is not None and frame.time >= end:
                break
            for part in resampler.resample(frame):
                part.pts = heard
                heard += part.samples
                self._container.mux(self._track.encode(part))
        self._container.mux(self._track.encode(None))

    def add(self, rgb: np.ndarray) -> None:
        """Adds a frame, [H, W, 3] uint8 display-referred sRGB."""
        import av

        width, height = self._size
        if rgb.shape != (height, width, 3) or rgb.dtype != np.uint8:
            raise ValueError(f"got {rgb.dtype} {rgb.shape}; expected uint8 {(height, width, 3)}")
        even = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame = frame.reformat(
            format="yuv420p",
            src_colorspace="ITU709",
            dst_colorspace="ITU709",
            src_color_range="JPEG",
            dst_color_range="MPEG",
        )
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
        self._count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            try:
                for packet in self._stream.encode():
                    self._container.mux(packet)
                self._write_sound()
            except BaseException as failure:
                self._exit.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self._exit.__exit__(kind, error, trace)
