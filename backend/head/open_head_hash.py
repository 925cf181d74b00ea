"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "e1d06e1a326960d3099a996d49766649bdcbba62a805fa4d3cd5f0d09c3a1e29"
