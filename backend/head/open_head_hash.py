"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "1a60321a291d2d9c743efc22f3e5b7186c8531c489c77ef1bffd8c76edc6911c"
