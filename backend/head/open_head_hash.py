"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "a7bda472f9ec205901e7bfc3d428cb45b2ec9f19203865fed70f4160fe47f574"
