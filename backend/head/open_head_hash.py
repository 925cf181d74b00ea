"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "a1706b7a32f5d3497dafd2b626f64ad0949bab69503b9e5130b31b16482ad22b"
