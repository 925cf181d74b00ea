"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "08853cb249c4921b68c6d7df1fb43fa9618cfb40664af46a0c77618ab5269091"
