"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "a70b6545d1dfaeeb2d5eb0c3c9c85af16341ec7456b7b78e3f75fe6e92397e1a"
