"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "9c05161a1a49327b3dc3fd1738c42790a5e615563002000f930a0e303ae1d74b"
