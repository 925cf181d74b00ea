"""Files that are no pictures we read, by what they begin with: what they are and what to do."""

from __future__ import annotations

from shared.errors import AvatarError

_AS_JPEG = "Export it as JPEG or PNG."
_FROM_CAMERA = "Develop it in your photo program and export it as JPEG."
_HEIC = (
    "Export it as JPEG: in Photos or Preview choose Export; an iPhone takes JPEG with Settings > "
    "Camera > Formats > Most Compatible."
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"heif"}
_VIDEO = ("a video", "Save one of its frames as PNG.")
_BEGINNINGS = (
    (b"8BPS", "a Photoshop document", _AS_JPEG),
    (b"\xff\x0a", "a JPEG XL picture", _AS_JPEG),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", _AS_JPEG),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", _AS_JPEG),
    (b"%PDF", "a PDF document", "Export the page's picture as JPEG or PNG."),
    (b"FUJIFILMCCD-RAW", "a camera's raw file", _FROM_CAMERA),
    (b"IIRO", "a camera's raw file", _FROM_CAMERA),
    (b"\x1a\x45\xdf\xa3", *_VIDEO),
    (b"PK\x03\x04", "a zip archive or document", "Unpack it and choose the picture in it."),
)


def refusal(data: bytes, name: str) -> AvatarError:
    """The error for a file that could not be decoded.

    Args:
        data: The whole file.
        name: What to call it.
    """
    known = _known(data)
    if known is not None:
        what, remedy = known
        return AvatarError("unsupported_format", f"{name} is {what}, which is not read.", remedy)
    return AvatarError(
        "bad_file",
        f"{name} is not a picture that OpenCV reads, or it is damaged (it begins with "
        f"{data[:8]!r}).",
        "Save it as PNG or JPEG.",
    )


def unread(head: bytes, name: str) -> AvatarError | None:
    """The error for a file that begins like a picture that is not read; a video is none.

    Args:
        head: Its first bytes, some 4096.
        name: What to call it.
    """
    known = _known(head)
    if known is None or is_video(head):
        return None
    return AvatarError("unsupported_format", f"{name} is {known[0]}, which is not read.", known[1])


def is_video(head: bytes) -> bool:
    """Whether a file begins as videos do, whatever it is called."""
    known = _known(head)
    return known is not None and known[0] == _VIDEO[0]


def is_webp(head: bytes) -> bool:
    """Whether a file begins as WebP pictures do: what reads videos reads no animated ones."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _known(data: bytes) -> tuple[str, str] | None:
    if data[4:8] == b"ftyp":
        return _of_boxes(data)
    if b"<svg" in data[:1024]:
        return "an SVG drawing", _AS_JPEG
    if data[:2] in (b"II", b"MM") and (b"CR\x02" in data[:16] or b"NIKON" in data[:4096]):
        return "a camera's raw file", _FROM_CAMERA
    return next(((what, do) for begin, what, do in _BEGINNINGS if data.startswith(begin)), None)


def _of_boxes(data: bytes) -> tuple[str, str] | None:
    """ISO media files name what they are compatible with."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[at : at + 4] for at in (8, *range(16, length, 4))}
    if b"avif" in brands or b"avis" in brands:
        return None
    if brands & _HEIC_BRANDS or b"mif1" in brands or b"msf1" in brands:
        return "a HEIC picture", _HEIC
    if b"crx " in brands:
        return "a camera's raw file", _FROM_CAMERA
    return _VIDEO
