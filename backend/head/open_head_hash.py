"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "ab252fe40aa64118cdf6f6eb49fb0c9757d3c86654dc3f00c9845c2d04920f0c"
