"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "8ca19dee0cb6bdefc3ef934fff15345810650c7f1789a1a5813b35803f8ac017"
