"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "d1611c1dbf44e51d6631d6cba666a78d1f60fa77ea5282006b6a035079a2cf0c"
