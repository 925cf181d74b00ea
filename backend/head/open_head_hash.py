"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "5ba6f2de38092fd8c37bf62dffe65c8dacf0fe13dcffa29b6018bb4e1b74f5af"
