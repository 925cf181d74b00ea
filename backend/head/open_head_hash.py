"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "ba0623eac820f9f8f14f9110dfebc40c705b4850f6d4e54052061652e0c49c5e"
