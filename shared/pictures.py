"""Which picture files are read: what file browsers offer, and folders are searched for."""

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".avif", ".gif", ".bmp", ".dib",
    ".tif", ".tiff", ".jp2", ".ppm", ".pgm", ".pnm",
)  # fmt: skip
"""Lower case. What is in a file decides how it is read, its suffix only whether it is looked at."""

UNREAD_SUFFIXES = (".heic", ".heif", ".jxl", ".psd", ".exr", ".dng", ".cr2", ".cr3", ".nef", ".arw")
"""Pictures that are not read: a folder of them gets an error that names them."""
